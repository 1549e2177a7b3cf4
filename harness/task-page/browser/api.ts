import { adviceIn, type Answer } from '../shown/answer.ts'

/** The API of the service, behind the page's own address. */
const base = new URL('api/v1/', location.href.replace(/#.*/, ''))

export async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
  try {
    const response = await fetch(new URL(path, base), init)
    const againInS = adviceIn(response.headers.get('retry-after'), Date.now())
    return { status: response.status, body: await response.json().catch(() => undefined), againInS }
  } catch {
    return { status: 0, body: undefined }
  }
}

export function post(path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
  const json = { 'content-type': 'application/json', ...headers }
  return ask(path, { method: 'POST', ...(body ? { headers: json, body: JSON.stringify(body) } : {}) })
}

export function taskPath(taskId: string): string {
  return `tasks/${encodeURIComponent(taskId)}`
}

export function socketUrl(taskId: string): URL {
  const url = new URL(`${taskPath(taskId)}/ws`, base)
  url.protocol = 'ws:'
  return url
}

/** What a problem document (RFC 9457) says, for a person. */
export function describeProblem({ status, body }: Answer): string {
  const { title, detail } = (body ?? {}) as { readonly title?: string; readonly detail?: string }
  const said = [title, detail].filter((text) => typeof text === 'string').join(': ')
  if (said !== '') return said
  return status === 0 ? 'Nobody answers: outlast may have ended.' : `The service answered with HTTP ${status}.`
}
