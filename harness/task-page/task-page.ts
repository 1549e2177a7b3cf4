import type { ServerResponse } from 'node:http'
import { answer, type Door, openDoor, type Route } from '../live/door.ts'
import type { Surroundings } from './around.ts'
import { htmlOf, paths, type Subject } from './html.ts'
import { readModules } from './modules.ts'
import { relayTo, type Service } from './relay.ts'
import { pageStyles } from './styles.ts'

/**
 * The page on which a person submits a task to a service, watches it, and tells it what to do, for who has its address. All of it is
 * served here, and what the page asks of the service goes through here too: the service's token never leaves this process.
 * Rejects with HarnessError when it cannot listen. Disposing closes it.
 */
export async function openTaskPage(service: Service, subject: Subject, surroundings: Surroundings): Promise<Door> {
  const { main, sources } = await readModules()
  const html = htmlOf(subject, main)
  const routes = new Map<string, Route>([
    ['', (_, response) => send(response, 'text/html', html, { 'content-security-policy': policy })],
    [paths.styles, (_, response) => send(response, 'text/css', pageStyles)],
    [paths.around, ({ url }, response) => send(response, 'application/json', aroundOf(surroundings, url!))],
  ])
  for (const [path, source] of sources) routes.set(path, (_, response) => send(response, 'text/javascript', source))
  return openDoor(routes, relayTo(service))
}

function aroundOf(surroundings: Surroundings, url: string): string {
  const { searchParams } = new URL(url, 'http://localhost')
  return JSON.stringify(surroundings.around(searchParams.get('task') ?? ''))
}

function send(response: ServerResponse, type: string, body: string, headers: Record<string, string> = {}): void {
  answer(response, 200, { 'content-type': `${type}; charset=utf-8`, ...headers }, body)
}

/** Nothing but the files of this door may run or be asked, and no text ever becomes markup. */
const policy = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
