import type { Service } from './answers.ts'
import type { Speech } from './apis.ts'

/** The description of an API as functions, to be changed where a description is not enough. It works as it is. */
export function adapterText({ speech, key }: Service & { readonly speech: Speech }): string {
  const callbackUrl = JSON.stringify(speech.body ?? {}).includes('{callback}')
  const submission = ['key', 'input', 'token', ...(callbackUrl ? ['callbackUrl'] : [])]
    .filter((name) => name !== 'key' || key !== undefined)
    .join(', ')
  const header = key === undefined ? '' : `, ${quoted(key)}: key`
  return `// How outlast speaks to the service: it sends, paces and repeats these requests. docs/targets.md tells more.
import type { Adapter } from 'outlast/adapter'

// Its words. One that is not here is a task that still runs.
const states: Readonly<Record<string, 'queued' | 'running' | 'completed' | 'failed' | 'cancelled'>> = {
${statesOf(speech)}
}

const adapter: Adapter = {
  submit: ({ ${submission} }) => ({
    ${requestOf(speech.submit)}
    headers: { authorization: \`Bearer \${token}\`${header} },
    body: ${bodyOf(speech)},
  }),
${statusOf(speech)}  // The answer to a submission and to a question alike; undefined: there is no task in it.
  read: ({ body${typeof speech.id === 'string' ? '' : ', header'} }) => {
    const found = body as { readonly id?: unknown; readonly status?: string } | undefined
    const id = ${typeof speech.id === 'string' ? "String(found?.id ?? '')" : `header('${speech.id.header}') ?? String(found?.id ?? '')`}
    if (id === '' && found?.status === undefined) return undefined
    return { id, state: states[found?.status ?? ''] ?? 'running', document: body }
  },
${callbackUrl ? callback : ''}  // ${key === undefined ? 'true where a submission that is sent again begins no second task.' : 'A submission that is sent again with the same key begins no second task.'}
  isIdempotent: ${String(key !== undefined)},
}
export default adapter
`
}

const callback = `  // What it posts. Throw for one that is not to be believed, as one with a wrong signature.
  callback: ({ body }) => {
    const posted = JSON.parse(body.toString('utf8')) as { readonly id: string; readonly status: string }
    return { id: posted.id, state: states[posted.status] ?? 'running', document: posted }
  },
`

function statesOf({ states }: Speech): string {
  return Object.entries(states)
    .flatMap(([state, words]) => words.map((word) => `  ${word}: '${state}',`))
    .join('\n')
}

function bodyOf({ body = {} }: Speech): string {
  const parts = Object.entries(body).map(
    ([name, value]) => `${name}: ${value === '{callback}' ? 'callbackUrl' : JSON.stringify(value)}`,
  )
  return parts.length === 0 ? 'input' : `{ ${parts.join(', ')}, ...input }`
}

function statusOf({ status }: Speech): string {
  if (status === undefined) return ''
  return `  status: (id, { token }) => ({ ${requestOf(status)} headers: { authorization: \`Bearer \${token}\` } }),\n`
}

/** An id in a path is one segment of it, whatever its characters are; one that is the path is an address. */
function requestOf(line: string): string {
  const [method, path] = line.includes(' ') ? (line.split(' ') as [string, string]) : [undefined, line]
  return `${method === undefined ? '' : `method: '${method}', `}path: ${path === '{id}' ? 'id' : pathOf(path)},`
}

function pathOf(path: string): string {
  if (!path.includes('{id}')) return quoted(path)
  const parts = path.split('{id}').map((part) => part.replaceAll(/[\\`$]/g, String.raw`\$&`))
  return `\`${parts.join('${encodeURIComponent(id)}')}\``
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`
}
