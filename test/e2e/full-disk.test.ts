import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { simulate } from '../mutants/simulate.ts'
import { root, temporaryFolders } from '../support/outlast.ts'
import { sealRun } from '../support/recorded-run.ts'
import { whyNoSmallDisk, withSmallDisk } from '../support/small-disk.ts'
import { run as runShell } from '../support/programs.ts'

const history = simulate({ delivery: 'polling', engine: 'durable', tasks: 20, kills: [], seed: 4 })
const reason = whyNoSmallDisk()
if (reason !== undefined) console.warn(`full disks are not tested: ${reason}`)

/** More of them, for a night: every size that a run of this length can meet the end of. */
const sizes = process.env['OUTLAST_DISK_SIZES']?.split(',').map(Number) ?? [80]
const sentence =
  /^outlast failed, (?:which says nothing about the systems under test|and the run is judged all the same): .*ENOSPC/m
const stack = /\n +at /

it.skipIf(reason !== undefined).each(sizes)(
  'a disk of %i kB is full somewhere in a run: exit code 4, or a whole run',
  async (kilobytes) => {
    await using folders = await temporaryFolders()
    const run = await withSmallDisk(
      kilobytes,
      folders.out,
      folders.tmp,
      `outlast run scenarios/smoke.yaml --no-verify --patterns polling --out "$place"; echo "code $?"
    echo "run $(ls "$place" | wc -l)"; echo "results $(ls "$place"/*/results.json | wc -l)"; cat "$place"/*/unfinished.json; for run in "$place"/*; do outlast check "$run" >&2; echo "check $?"; done`,
    )
    expect(run.stderr + run.stdout).not.toMatch(stack)
    expect(await readdir(folders.tmp)).toEqual([])
    // It had room after all, whatever became of it.
    if (!run.stderr.includes('ENOSPC')) return
    expect(run.stdout).toMatch(/^code 4$/m)
    expect(run.stderr).toMatch(sentence)
    // No room for a run's plan: then there is none. Room for its results, but not for a report: then it is whole.
    if (!run.stdout.includes('"why":')) return expect(run.stdout).toMatch(/^run 0$|^results 1$/m)
    expect(run.stdout).toMatch(/"why":"(?:cannot write .*ENOSPC|it was judged)/)
    expect(run.stdout).toMatch(/^check [24]$/m)
    expect(run.stderr).toMatch(/this run broke off: .*ENOSPC/)
  },
)

it.skipIf(reason !== undefined)('a disk that is full before the run begins leaves nothing on it', async () => {
  await using folders = await temporaryFolders()
  const script =
    'outlast run scenarios/smoke.yaml --no-verify --patterns polling --out "$place"; echo "code $?"; ls "$place" | wc -l'
  const run = await withSmallDisk(4, folders.out, folders.tmp, script)
  expect(run.stdout).toBe('code 4\n0\n')
  expect(run.stderr).toMatch(/: cannot write .*\.(?:json|yaml): ENOSPC/)
  expect(run.stderr).not.toMatch(stack)
})

it.skipIf(reason !== undefined)('a report that finds no room is named, and the run stays as it was', async () => {
  await using folders = await temporaryFolders()
  const place = join(folders.out, 'small')
  await mkdir(place)
  const { run } = await sealRun(join(folders.out, 'whole'), history)
  const script = `outlast report ${run.path} --out "$place"; echo "code $?"; ls "$place"; outlast check ${run.path} >&2; echo "check $?"`
  const made = await withSmallDisk(8, place, folders.tmp, script)
  expect(made.stderr).toMatch(/^outlast failed, which .*: cannot write .*report\.html: ENOSPC/m)
  expect(made.stdout).toMatch(/^code 4\ncheck [0-2]$/m)
})

it.skipIf(reason !== undefined)('a scenario that finds no room leaves the one that it was to replace', async () => {
  await using folders = await temporaryFolders()
  const place = join(folders.out, 'small')
  await mkdir(place)
  const init = `outlast init --start 'node x' --api jobs --takes 2s --no-ci --force "$place"; echo "code $?"`
  const script = `cd "$place"; echo mine > outlast.yaml; dd if=/dev/zero of=fill bs=4k 2>/dev/null; ${init}; cat outlast.yaml; ls -A`
  const made = await withSmallDisk(8, place, folders.tmp, script)
  expect(made.stderr).toMatch(/^outlast failed, which .*: cannot write .*outlast\.yaml: ENOSPC/m)
  expect(made.stdout).toBe('code 4\nmine\nfill\noutlast.yaml\n')
})

it('a file that may not grow so long is named, exit code 4', async () => {
  await using folders = await temporaryFolders()
  const { run } = await sealRun(join(folders.out, 'whole'), history)
  const script = 'ulimit -f 8; exec "$0" "$@"'
  const command = [
    process.execPath,
    join(root, 'bin/outlast.js'),
    'report',
    run.path,
    '--out',
    join(folders.out, 'small'),
  ]
  const made = await runShell('sh', ['-c', script, ...command]).catch((error: unknown) => error)
  expect(made).toMatchObject({
    code: 4,
    stderr: expect.stringMatching(/: cannot write .*report\.html: EFBIG/) as string,
  })
})
