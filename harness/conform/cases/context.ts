import { contractCase, type CaseGroup, type Target } from '../case.ts'
import { foldMemory, patchesIn, patchesOf, readContext, readSnapshot, type Snapshot } from '../context.ts'
import { acknowledged, cancel, openLog, readMore, seen, startNow } from '../control.ts'
import { must, mustBe } from '../expect.ts'
import { entityTag } from '../headers.ts'
import { mustHaveStatus } from '../http.ts'
import { mustBeProblem } from '../problem.ts'
import { readStream } from '../stream.ts'
import { newKey, pathOf, placesTo, raceMs, readEnd, readTask, spread, submit } from '../tasks.ts'

const source = 'docs/contract.md#context'
const memory = { instruction: 'be thorough', 'é ~/': [1, { b: null, a: 1e-7 }] }

export default {
  name: 'context',
  summary: "an agent's memory: a document with versions, patches in the log, a snapshot and a digest that fit them",
  cases: [
    contractCase({
      name: 'fold',
      proves:
        'the patches of the log make every version of the memory, with the digest that they say and that a snapshot has',
      source: `${source}; RFC 6902 5; RFC 6901 4; RFC 8785 3`,
      needs: ['memory'],
      async check(target) {
        const log = await openLog(target, await startNow(target, 'memory', { long: true, memory }))
        const snapshots = [await readSnapshot(target, log.taskId)]
        await steer(target, log.taskId)
        const isPatch = ({ type }: { readonly type: string }): boolean => type === 'context.patch'
        const first = await seen(target, log, isPatch, { withinMs: raceMs(target) })
        snapshots.push(await readSnapshot(target, log.taskId))
        await seen(target, log, isPatch, { withinMs: raceMs(target), after: first?.seq ?? 0 })
        await cancel(target, log.taskId)
        const { context_version: shown } = await readEnd(target, log.taskId)
        snapshots.push(await readSnapshot(target, log.taskId))
        await readMore(target, log)
        const versions = foldMemory(memory, log.events)
        if (typeof shown === 'number') mustBe('context_version of the task, and of its log', shown, versions.length)
        mustBe('the version of the memory, and of its log', snapshots.at(-1)!.version, versions.length)
        for (const snapshot of snapshots) mustBeVersion(snapshot, versions)
        for (const base of spread(placesTo(versions.length))) {
          const reply = await readContext(target, log.taskId, `?after=${base}`)
          mustHaveStatus(`the patches after ${base}`, reply, 200)
          mustBe(`base of the patches after ${base}`, reply.json?.['base'], base)
          mustBe(`the patches after ${base}`, patchesOf(reply), patchesIn(log.events).slice(base - 1))
        }
        if (!target.able.stream) return
        const { events } = await readStream(target, `${pathOf(log.taskId)}/events`)
        mustBe('the events of a stream', events, log.events)
      },
    }),
    contractCase({
      name: 'versions',
      proves:
        'a memory has a validator; a version that it never had is refused, and so is asking for a memory where there is none',
      source: `${source}; RFC 9110 13.1.2 and 15.4.5`,
      needs: ['memory'],
      quick: true,
      async check(target) {
        const taskId = await startNow(target, 'memory-versions', { memory })
        await cancel(target, taskId)
        await readEnd(target, taskId)
        const { version } = await readSnapshot(target, taskId)
        const tag = entityTag('the memory', (await readContext(target, taskId)).headers)
        const unchanged = await readContext(target, taskId, '', { headers: { 'if-none-match': tag } })
        mustHaveStatus('a memory that has not changed', unchanged, 304)
        mustBe('its body', unchanged.text, '')
        for (const after of [version + 1, 999_999, 0, -1, 'x']) {
          const reply = await readContext(target, taskId, `?after=${after}`)
          mustBeProblem(`what follows version ${after} of ${version}`, reply, 400, 'validation')
        }
        const without = await startNow(target, 'no-memory')
        await readTask(target, without)
        mustBeProblem('no memory', await readContext(target, without, '', { isSeen: true }), 404, 'not-found')
        mustBeProblem('the memory of an unknown task', await readContext(target, 'none'), 404, 'not-found')
      },
    }),
    contractCase({
      name: 'refused',
      proves: 'a memory that is none, is too large or nested too deeply is refused when it is submitted',
      source: `${source}; docs/contract.md#problems`,
      needs: ['memory'],
      quick: true,
      async check(target) {
        for (const [what, text] of malformed) {
          const key = newKey('memory-refused')
          const body = JSON.stringify(target.bodyFor(key)).replace(/\}$/, `,"memory":${text}}`)
          mustBeProblem(`a memory that is ${what}`, await submit(target, key, body), 400, 'validation')
        }
      },
    }),
  ],
} satisfies CaseGroup

const malformed: readonly (readonly [string, string])[] = [
  ['a list', '[]'],
  ['text', '"be brief"'],
  ['null', 'null'],
  ['20 kB', JSON.stringify({ text: 'x'.repeat(20_000) })],
  ['lists in lists in lists', `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
  ['no text', String.raw`{"a":"\u0000"}`],
]

/** So that there is a patch that is not the agent's own. Where it takes no commands, or has ended, there are those of its own. */
async function steer(target: Target, taskId: string): Promise<void> {
  if (!target.able.commands) return
  const patch = [
    { op: 'add' as const, path: '/steered', value: { list: [] } },
    { op: 'add' as const, path: '/steered/list/-', value: 'ü' },
    { op: 'copy' as const, from: '/é ~0~1/1', path: '/steered/copy' },
  ]
  await acknowledged(target, taskId, { id: 'turn', type: 'steer', patch })
}

function mustBeVersion({ version, digest, document }: Snapshot, versions: readonly Snapshot[]): void {
  const folded = versions[version - 1]
  must(folded !== undefined, `a snapshot has version ${version}, and the log ends at ${versions.length}`)
  mustBe(`version ${version}`, [digest, document], [folded.digest, folded.document])
}
