import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { thisProcess } from '../../harness/os/label.ts'
import { root, temporaryFolders } from '../support/outlast.ts'
import { execFileSync, spawn, spawnSync } from '../support/programs.ts'

const another = 1234
const asAnother = { uid: another, gid: another }
/** Hanging is what this is about: nothing here takes a tenth of that. */
const limitMs = 30_000

const whyNot = process.geteuid?.() === 0 ? undefined : 'only root can be two users'
if (whyNot !== undefined) console.log(`test/e2e/second-user.test.ts is skipped: ${whyNot}`)

interface Living extends Disposable {
  readonly run: string
  readonly pids: readonly number[]
}

describe.skipIf(whyNot !== undefined)('another user of this machine', () => {
  it('makes root end nothing, delete nothing and wait for nothing', async () => {
    await using folders = await temporaryFolders()
    const { tmp, out } = folders
    chmodSync(tmp, 0o1777)
    using living = await startRun(tmp)
    const dead = leaveDeadRun(tmp)
    const forged = forge(tmp, living, dead)
    using pretenders = await pretend(out, living, dead)

    const doctor = await outlast(['doctor'], tmp)
    expect(doctor.stdout).toContain(`dead runs ${dead}: `)
    expectNamed(doctor.stdout.replaceAll(/\n +/g, ' '), forged)
    const only = ['--patterns', 'polling', '--no-verify', '--max-duration', '1s', '--out', out]
    const run = await outlast(['run', 'scenarios/smoke.yaml', ...only], tmp)
    expect(run.stderr).toContain(`removed what the dead run ${dead} had left`)
    expectNamed(run.stderr, forged)
    expect(run.code).toBe(2)
    const clean = await outlast(['clean'], tmp)
    expect(clean.stdout).not.toContain(living.run)
    expectNamed(clean.stderr, forged)
    expect((await outlast(['clean', '--run', living.run], tmp)).stderr).toBe(
      `the run ${living.run} is alive: interrupt it instead\n`,
    )

    const pids = [...living.pids, ...pretenders.pids]
    expect(pids.filter(isThere)).toEqual(pids)
    expect(readdirSync(tmp).toSorted()).toEqual([...forged, `outlast-${living.run}`].toSorted())
  })

  it('sees nothing of root’s as their own', async ({ skip }) => {
    await using folders = await temporaryFolders()
    const { tmp } = folders
    chmodSync(tmp, 0o1777)
    if (!canRun()) skip(`uid ${another} cannot run this checkout`)
    using living = await startRun(tmp)
    const dead = leaveDeadRun(tmp)
    const { code, stdout, stderr } = await outlast(['clean'], tmp, asAnother)
    expect([code, stdout]).toEqual([0, expect.not.stringMatching(`${living.run}|${dead}`)])
    for (const run of [living.run, dead])
      expect(stderr).toContain(`passed over: ${join(tmp, `outlast-${run}`)} belongs to uid 0\n`)
    expect((await outlast(['clean', '--run', dead], tmp, asAnother)).code).toBe(3)
    expect(living.pids.filter(isThere)).toEqual(living.pids)
    expect(readdirSync(tmp).toSorted()).toEqual([dead, living.run].map((run) => `outlast-${run}`).toSorted())
  })
})

function canRun(): boolean {
  return spawnSync(process.execPath, ['bin/outlast.js', '--version'], { cwd: root, ...asAnother }).status === 0
}

async function startRun(tmp: string): Promise<Living> {
  const args = [join(root, 'test/support/living-run.ts')]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, TMPDIR: tmp },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { run, pids } = JSON.parse(line) as { run: string; pids: readonly number[] }
  // Its reaper ends the rest.
  return { run, pids: [child.pid!, ...pids], [Symbol.dispose]: () => void child.kill('SIGKILL') }
}

/** As it is when harness and reaper were killed together. */
function leaveDeadRun(tmp: string): string {
  const run = '2-dead'
  mkdirSync(join(tmp, `outlast-${run}`))
  writeFileSync(join(tmp, `outlast-${run}`, 'owner.json'), JSON.stringify({ run, ...thisProcess(), startTicks: '1' }))
  return run
}

/** What uid 1234 puts into the folder that all share. Returns the names. */
function forge(tmp: string, living: Living, dead: string): readonly string[] {
  const claim = (run: string, more: object = {}): string =>
    JSON.stringify({ run, ...thisProcess(), startTicks: '1', ...more })
  const script = `
    umask 0; cd "$1"
    make() { mkdir "outlast-$1"; }
    make 0;      printf %s '${claim(living.run)}' > outlast-0/owner.json
    make copy;   printf %s '${claim(living.run, { pid: 1 })}' > outlast-copy/owner.json
    make ${living.run}.old; printf %s '${claim(`${living.run}.old`)}' > outlast-${living.run}.old/owner.json
    make theirs; printf %s '${claim('theirs')}' > outlast-theirs/owner.json
                 ln -s ../outlast-${living.run} outlast-theirs/data; mkfifo outlast-theirs/journal.ndjson
    make again;  printf %s '${claim(dead)}' > outlast-again/owner.json
    make fifo;   mkfifo outlast-fifo/owner.json
    make zero;   ln -s /dev/zero outlast-zero/owner.json
    make loop;   ln -s owner.json outlast-loop/owner.json
    make folder; mkdir outlast-folder/owner.json
    make junk;   head -c 100000 /dev/urandom > outlast-junk/owner.json
    make large;  truncate -s 10G outlast-large/owner.json
    make closed; chmod 0 outlast-closed
    make empty
    mkfifo outlast-pipe
    ln -s outlast-${living.run} outlast-link
    ln -s / outlast-root
    head -c 1000 /dev/urandom > outlast-file
    mkdir "$(printf 'outlast-\\033[2J\\nx')"
  `
  const before = new Set(readdirSync(tmp))
  execFileSync('sh', ['-euc', script, 'sh', tmp], { ...asAnother })
  return readdirSync(tmp).filter((name) => !before.has(name))
}

/** Processes of uid 1234 that say that they are a run's: one acts as root, as many programs do that everybody may start. */
async function pretend(
  folder: string,
  living: Living,
  dead: string,
): Promise<Disposable & { readonly pids: readonly number[] }> {
  const asRoot = join(folder, 'sleep-as-root')
  execFileSync('sh', ['-euc', 'cp "$(command -v sleep)" "$1"; chmod 4755 "$1"', 'sh', asRoot])
  const [alive, gone] = [thisProcess(), { ...thisProcess(), startTicks: '1' }].map((owner) => JSON.stringify(owner))
  const children = [
    ['sleep', dead, alive],
    ['sleep', living.run, gone],
    [asRoot, dead, alive],
  ].map(([program, run, owner]) => {
    const script = 'export OUTLAST_RUN="$2" OUTLAST_OWNER="$3"; exec "$1" 600'
    return spawn('sh', ['-c', script, 'sh', program!, run!, owner!], { stdio: 'ignore', ...asAnother })
  })
  await Promise.all(children.map((child) => once(child, 'spawn')))
  return {
    pids: children.map(({ pid }) => pid!),
    [Symbol.dispose]: () => children.forEach((child) => child.kill('SIGKILL')),
  }
}

function expectNamed(text: string, names: readonly string[]): void {
  expect(names.length).toBeGreaterThan(15)
  // eslint-disable-next-line no-control-regex
  expect(text).not.toMatch(/\u001b\[2J/)
  const plain = (name: string): string => name.replace('\u001b', String.raw`\x1b`).replace('\n', String.raw`\n`)
  for (const name of names) expect(text.split(`${plain(name)} `).length - 1, plain(name)).toBe(1)
}

async function outlast(args: readonly string[], tmp: string, user: { uid?: number; gid?: number } = {}) {
  const env = { PATH: process.env['PATH'], NO_COLOR: '1', TMPDIR: tmp, COLUMNS: '400' }
  const child: ChildProcess = spawn(process.execPath, ['bin/outlast.js', ...args], {
    cwd: root,
    env,
    timeout: limitMs,
    killSignal: 'SIGKILL',
    ...user,
  })
  let [stdout, stderr] = ['', '']
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
