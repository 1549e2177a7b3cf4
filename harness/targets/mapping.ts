import type { Mapping, TargetState, WhereFound } from '../model/target.ts'
import { HarnessError } from '../core/errors.ts'
import { parseExactly } from '../core/exact-json.ts'
import type { Adapter, AdapterAnswer, AdapterNotice, AdapterRequest, AdapterTask } from './adapter.ts'
import { findOne } from '../model/right.ts'
import { fill, fillIn } from '../model/template.ts'

/** An API that a scenario describes, as an adapter. Throws HarnessError where a variable that its headers want is not set. */
export function adapterOf(mapping: Mapping): Adapter {
  headersOf(mapping, '')
  const { submit, status, body, key, callback } = mapping
  return {
    submit: (job) => {
      const values = { ...job, callback: job.callbackUrl }
      const headers = { ...headersOf(mapping, job.token), ...(key !== undefined && { [key]: job.key }) }
      const path = fill(submit.path, { key: encodeURIComponent(job.key) })
      return { method: submit.method, path, headers, body: body === undefined ? job.input : fillIn(body, values) }
    },
    ...(status && {
      status: (id: string, { token }: { readonly token: string }) => statusRequest({ ...mapping, status }, id, token),
    }),
    read: (answer) => readTask(mapping, answer),
    ...(callback && { callback: (request) => readCallback({ ...mapping, callback }, request.body) }),
    isIdempotent: key !== undefined,
  }
}

/** An id that is an address, or a path, is asked for as it is; one that is to be an address may be relative to what was posted to. */
function statusRequest(
  mapping: Mapping & { readonly status: NonNullable<Mapping['status']> },
  id: string,
  token: string,
): AdapterRequest {
  const { method, path } = mapping.status
  const isAddress = /^(?:https?:\/)?\//.test(id) && URL.canParse(id, 'http://service')
  const address = path.startsWith('{id}') ? fromBase(id, mapping.submit.path) : encodeURIComponent(id)
  return {
    method,
    path: fill(path, { id: isAddress ? id : address }),
    headers: headersOf(mapping, token),
  }
}

/** RFC 3986, 5, as the Location of an answer has it (RFC 9110, 10.2.2). */
function fromBase(reference: string, path: string): string {
  const base = new URL(path, 'http://service')
  return URL.canParse(reference) ? encodeURIComponent(reference) : withoutHost(new URL(reference, base).href)
}

function headersOf({ headers }: Mapping, token: string): Record<string, string> {
  const filled = Object.entries(headers).map(([name, text]) => [
    name,
    fill(text, { token }).replaceAll(ofEnvironment, valueOf),
  ])
  return Object.fromEntries(filled) as Record<string, string>
}

/** A secret of a service that runs already stands in no file of ours: in headers `{env.NAME}` is a variable of whoever starts the run. */
export const ofEnvironment = /\{env\.([A-Za-z_]\w*)\}/g

function valueOf(_: string, name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '')
    throw new HarnessError(`api.headers want the variable ${name}, which is not set`)
  return value
}

/** An answer to a submission may say no state yet, and one to a read no id. */
function readTask(mapping: Mapping, answer: AdapterAnswer): AdapterTask | undefined {
  const id = find(mapping.id, answer)
  const word = findOne(mapping.state, answer.body)
  if (id === undefined && !isWord(word)) return undefined
  return { id: id ?? '', state: stateOf(mapping, word), document: answer.body, reason: reasonOf(word, mapping.state) }
}

function readCallback(
  { callback, states }: Mapping & { readonly callback: NonNullable<Mapping['callback']> },
  body: Buffer,
): AdapterNotice {
  const document = parseExactly(body.toString('utf8'))
  const id = findOne(callback.id, document)
  const word = findOne(callback.state, document)
  if (!isName(id)) throw new TypeError(`${callback.id} finds no id in it`)
  const state = isWord(word) ? { state: stateOf({ states }, word) } : {}
  return { id: withoutHost(String(id)), ...state, document, reason: reasonOf(word, callback.state) }
}

function find(where: WhereFound, { header, body }: AdapterAnswer): string | undefined {
  const found = 'header' in where ? header(where.header) : findOne(where.path, body)
  return isName(found) ? withoutHost(String(found)) : undefined
}

/** Replicas may each name their own host in the address of the same task. */
function withoutHost(id: string): string {
  if (!/^https?:\/\//.test(id) || !URL.canParse(id)) return id
  const { pathname, search } = new URL(id)
  return pathname + search
}

function isName(value: unknown): value is string | number {
  return (typeof value === 'string' && value !== '' && value.isWellFormed()) || typeof value === 'number'
}

function stateOf({ states }: Pick<Mapping, 'states'>, word: unknown): TargetState {
  return (isWord(word) && Object.hasOwn(states, String(word)) && states[String(word)]) || 'running'
}

function reasonOf(word: unknown, path: string): string {
  return (isWord(word) ? String(word) : `no word at ${path}`).slice(0, wordAtMost)
}

/** It stands in the history of every task. */
const wordAtMost = 100

/** As in `{ "done": true }`. */
function isWord(value: unknown): value is string | number | boolean {
  return isName(value) || typeof value === 'boolean'
}
