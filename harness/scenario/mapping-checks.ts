import { isRight, whyNoPath } from '../model/right.ts'
import { describe, type Path, type Problem } from './problems.ts'
import type { Written } from './target-schema.ts'

type WrittenMapping = NonNullable<Written['api']>

/** All that is wrong with an API as it is described: no service could be judged by what such requests and answers say. */
export function mappingProblems(api: WrittenMapping, hearsCallbacks: boolean, path: Path): readonly Problem[] {
  const at = (...keys: readonly PropertyKey[]): Path => [...path, ...keys]
  return [
    ...wordProblems(api, at('states')),
    ...pathProblems(api, path),
    ...(api.status !== undefined && !api.status.includes('{id}')
      ? [{ path: at('status'), message: 'has no {id}: the same would be asked for every task; write GET /jobs/{id}' }]
      : []),
    ...unfilled(api.submit, ['key'], at('submit')),
    ...unfilled(api.status ?? '', ['id'], at('status')),
    ...Object.entries(api.headers).flatMap(([name, text]) => headerProblems(name, text, at('headers', name))),
    ...unfilled(JSON.stringify(api.body) ?? '', ['key', 'input', 'callback', 'token'], at('body'), ourPlaceholders),
    ...(hearsCallbacks && !JSON.stringify(api.body ?? '').includes('{callback}')
      ? [{ path, message: 'tells the service no address for its callbacks; write {callback} in body' }]
      : []),
  ]
}

function wordProblems({ states }: WrittenMapping, path: Path): readonly Problem[] {
  const by = Object.groupBy(
    Object.entries(states).flatMap(([state, words]) => words.map((word) => ({ state, word }))),
    ({ word }) => word,
  )
  const twice = Object.entries(by).flatMap(([word, all = []]) => {
    const [first, second] = [...new Set(all.map(({ state }) => state))]
    const message = `${describe(word)} stands for ${first} and for ${second}; write it once`
    return second === undefined ? [] : [{ path, message }]
  })
  if ((states['completed'] ?? []).length > 0) return twice
  return [...twice, { path, message: 'has no word for completed: no task could ever be; write completed: [done]' }]
}

function pathProblems({ id, state, callback }: WrittenMapping, path: Path): readonly Problem[] {
  const paths = [
    ['id', typeof id === 'string' ? id : undefined],
    ['state', state],
    ['callback', callback?.id],
    ['callback', callback?.state],
  ] as const
  return paths.flatMap(([key, text]) => {
    const why = text === undefined ? undefined : whyNoPath(text)
    return why === undefined ? [] : [{ path: [...path, key], message: why }]
  })
}

function headerProblems(name: string, text: string, path: Path): readonly Problem[] {
  if (text.includes('{key}'))
    return [{ path, message: `{key} is filled in for one header only; leave this one out and write key: ${name}` }]
  return unfilled(text, ['token'], path)
}

/** Placeholders of ours, whichever part of a target they are for. */
const ourPlaceholders: ReadonlySet<string> = new Set(
  'key seed input callback token id timeScale port host data node tools store engine api worker'.split(' '),
)

/**
 * Placeholders that would be sent as they are written: the same for every task. `among`: only these, where braces may be
 * part of what is sent.
 */
export function unfilled(
  text: string,
  allowed: readonly string[],
  path: Path,
  among?: ReadonlySet<string>,
): readonly Problem[] {
  const names = new Set([...text.matchAll(/\{([A-Za-z]+)\}/g)].map(([, name]) => name!))
  const there = allowed.map((one) => `{${one}}`).join(', ')
  return [...names]
    .filter((name) => !allowed.includes(name) && (among?.has(name) ?? true))
    .map((name) => ({ path, message: `has no placeholder {${name}}; there is ${there}` }))
}

/** Why a right that is written says nothing, or undefined. */
export function whyAlwaysRight({ work, api }: Written): string | undefined {
  const { right = '' } = work
  const documents = api ? (api.states['completed'] ?? []).map((word) => bareDocument(api, word)) : [contractDocument]
  const isSo = [{}, ...documents].some((document) => isRight(right, document, { key: 'key' }))
  return isSo
    ? 'is true of every document of a completed task; write what only the right result has: $.result.topic == "{key}"'
    : undefined
}

const contractDocument = { task_id: 'id', status: 'completed' }

/** A task that is completed, and no more. */
function bareDocument({ id, state }: WrittenMapping, word: string): object {
  const document = {}
  if (typeof id === 'string') put(document, id, 'id')
  put(document, state, word)
  return document
}

/** Only where the path is a plain one. */
function put(document: Record<string, unknown>, path: string, value: string): void {
  if (!/^\$(?:\.[A-Za-z_]\w*)+$/.test(path)) return
  const names = path.split('.').slice(1)
  let inner = document
  for (const name of names.slice(0, -1)) inner = (inner[name] ??= {}) as Record<string, unknown>
  inner[names.at(-1)!] = value
}
