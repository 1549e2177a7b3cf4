import { problemMediaType } from '../../patterns/contract/types/problems.ts'
import { Breach, show } from './expect.ts'
import { mediaTypeOf } from './headers.ts'
import type { Reply } from './http.ts'

/**
 * An error of the API: problem+json of this status and, where given, this type. RFC 9457 leaves out any member; the
 * contract names the types.
 */
export function mustBeProblem(what: string, reply: Reply, status: number, kind: string): void {
  const { exchange, json, text } = reply
  const wrong = problemWrong(reply, status, kind)
  if (wrong !== undefined) throw new Breach(`${what}: ${wrong}${json ? '' : `; got ${show(text)}`}`, { exchange })
}

function problemWrong(reply: Reply, status: number, kind: string): string | undefined {
  const { type = 'about:blank', status: own = status, title = '', retryable = false } = reply.json ?? {}
  if (reply.status !== status) return `status: ${reply.status}, must be ${status}`
  const mediaType = mediaTypeOf(reply.headers)
  if (mediaType !== problemMediaType) return `media type: ${show(mediaType)}, must be ${show(problemMediaType)}`
  if (reply.json === undefined) return 'no problem document, which is a JSON object (RFC 9457)'
  if (own !== status) return `status in the document: ${show(own)}, must be ${status}`
  if (typeof title !== 'string') return `title: ${show(title)}, must be a string`
  if (typeof retryable !== 'boolean') return `retryable: ${show(retryable)}, must be true or false`
  if (kindOf(type) !== kind) return `type: ${show(type)}, must end in ${show(kind)}`
  return undefined
}

/** The last part of a problem's type: of a path, a fragment, or a name (RFC 9457 3.1.1 has tag URIs, too). */
export function kindOf(type: unknown): string | undefined {
  return typeof type === 'string' ? /[^/#:]*$/.exec(type)![0] : undefined
}
