import { chmod, chown, copyFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeError } from '../../harness/core/errors.ts'
import { manifest } from '../../harness/core/own-package.ts'
import { root } from '../support/outlast.ts'
import { run } from '../support/programs.ts'

const why = await run('docker', ['image', 'inspect', 'outlast/cli']).then(
  () => undefined,
  (error: Error) => `no image outlast/cli (npm run images): ${describeError(error).split('\n').at(-1)}`,
)
if (why) console.warn(`skipped: ${why}`)

test.skipIf(why)(
  'the command in a container runs a scenario, whose run belongs to the owner of the folder',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
    await using _gone = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
    await copyFile(join(root, 'scenarios/smoke.yaml'), join(folder, 'scenario.yaml'))
    await chmod(folder, 0o755)
    // A user that the image does not know.
    const owner = process.getuid!() === 0 ? 23_456 : process.getuid!()
    if (process.getuid!() === 0) await chown(folder, owner, owner)
    const outlast = (...args: readonly string[]) =>
      run('docker', ['run', '--rm', '-v', `${folder}:/work`, 'outlast/cli', ...args]).then(
        ({ stdout }) => ({ code: 0, stdout }),
        (error: { code: number; stdout: string }) => error,
      )
    expect(await outlast('--version')).toMatchObject({ code: 0, stdout: `${manifest.version}\n` })
    expect((await outlast('plan', 'scenario.yaml')).stdout).toContain('durable-postgres.kill.1')
    const doctor = await outlast('doctor')
    for (const ours of [/^ok +PostgreSQL: postgres/m, /^ok +Restate: restate-server/m, /^ok +Runtime process:/m])
      expect(doctor.stdout).toMatch(ours)

    const ran = await outlast('run', 'scenario.yaml', '--no-verify', '--patterns', 'polling')
    // 4: this machine was too busy. Whose the run is does not depend on it.
    expect([0, 4], ran.stdout).toContain(ran.code)
    const [name] = await readdir(join(folder, 'runs'))
    for (const file of ['report.html', 'results.json'])
      expect((await stat(join(folder, 'runs', name!, file))).uid).toBe(owner)
    expect((await outlast('check', 'latest')).code).toBe(ran.code)
  },
)
