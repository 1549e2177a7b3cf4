import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { answersAt, untilAnswers } from '../../harness/os/answers.ts'
import { holdPort } from '../../harness/os/ports.ts'
import { outlast, startOutlast, temporaryFolders } from '../support/outlast.ts'
import { spawnSync } from '../support/programs.ts'

/** Answers jobs at once, and writes down each of its starts. */
const service = (port: number): string => `import { createServer } from 'node:http'
import { appendFileSync, writeFileSync } from 'node:fs'
createServer((request, response) => response.end(JSON.stringify({ id: 'j', status: 'done' }))).listen(${port}, '127.0.0.1', () => {
  writeFileSync('pid', String(process.pid))
  appendFileSync('log', 'started with ' + process.env.MINE + ' and label ' + process.env.OUTLAST_RUN + '\\n')
})
setTimeout(() => process.exit(), 120_000)`

const scenario = (port: number, takeDown: string): string => `name: killed
question: Is my service up again when the harness is not?
targets:
  jobs:
    url: http://127.0.0.1:${port}
    kill: [sh, -c, '${takeDown}']
    restart: [sh, -c, '"${process.execPath}" service.mjs &']
    api: { submit: POST /jobs, status: 'GET /jobs/{id}', states: { completed: [done] } }
    work: { takes: 1s }
patterns: [jobs]
load: { tasks: 60, arrivals: uniform, rate: 2/s }
arms:
  kill: [{ fault: kill, target: jobs.api, at: 1s, for: 20s }]
`

it.each([
  ['while the command "kill" is under way', 'echo begun >>log; sleep 3; kill -9 $(cat pid); sleep 60', 'begun'],
  ['after it took the service down', 'kill -9 $(cat pid); echo begun >>log', 'begun'],
])('SIGKILL of the harness %s leaves the user’s service up', async (_, takeDown, mark) => {
  await using folders = await temporaryFolders()
  const mine = await mkdtemp(join(tmpdir(), 'killed-'))
  const { port } = await (async () => {
    using held = await holdPort()
    return { port: held.port }
  })()
  const url = `http://127.0.0.1:${port}`
  const log = (): Promise<string> => readFile(join(mine, 'log'), 'utf8')
  await writeFile(join(mine, 'service.mjs'), service(port))
  await writeFile(join(mine, 'killed.yaml'), scenario(port, takeDown))
  await appendFile(join(mine, 'log'), '')
  spawnSync('sh', ['-c', `"${process.execPath}" service.mjs >/dev/null 2>&1 &`], { cwd: mine })
  onTestFinished(async () => {
    process.kill(Number(await readFile(join(mine, 'pid'), 'utf8')), 'SIGKILL')
    await rm(mine, { recursive: true, force: true })
  })
  await untilAnswers(url, true, 10_000)
  process.env['MINE'] = 'mine'
  const harness = startOutlast(['run', join(mine, 'killed.yaml'), '--out', folders.out], folders.tmp)
  delete process.env['MINE']
  const exited = once(harness, 'exit')
  while (!(await log()).includes(mark))
    await Promise.race([sleep(20), exited.then(() => Promise.reject(new Error('ended')))])
  harness.kill('SIGKILL')
  await exited
  for (let tries = 0; (await readdir(folders.tmp)).length > 0 && tries < 300; tries++) await sleep(100)
  expect(await readdir(folders.tmp)).toEqual([])
  // The command "kill" has ended with its run: what it had not done yet it does not do.
  await sleep(3_500)
  expect(await answersAt(url)).toBe(true)
  // As its owner would have started it: with the owner's variables, and not as a part of the run, with which it would end.
  const [first, ...again] = (await log()).split('\n').filter((line) => line.startsWith('started'))
  for (const start of again) expect(start).toBe(first!.replace('undefined', 'mine'))
  expect((await outlast(['doctor'], folders.tmp)).stdout).not.toContain('may be down')
})
