import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { allVisible } from '../core/visible.ts'
import type { OnProgress } from '../run/progress.ts'
import { answer, begin, type Door, openDoor, type Route } from './door.ts'
import { livePage, pagePolicy, paths, type Subject } from './page.ts'
import { type Part, partsOf } from './parts.ts'
import { PartLog } from './part-log.ts'
import { nothingYet, type RunView, watch } from './run-view.ts'
import { Viewers } from './viewers.ts'

/** How a run ended: the file of its report, or why there is none. */
export type Ending = { readonly report: string } | { readonly why: string }

/** Counts come as often. */
const frameMs = 500
/** A page that lost its stream is back by then. */
const awayMs = 3_000

/**
 * The page of a run that is under way, for who has its address. It watches: what is told costs no more than to keep it,
 * nothing is drawn while nobody looks, and a viewer is never waited for. Disposing closes it.
 */
export class LivePage implements AsyncDisposable {
  readonly #subject: Subject
  readonly #now: () => number
  readonly #startedAt: number
  readonly #log = new PartLog()
  readonly #viewers: Viewers
  #view: RunView = nothingYet
  #ending: Ending | undefined
  #askedAt = -Infinity
  #timer: NodeJS.Timeout | undefined
  #door!: Door

  /** `now`: milliseconds on a monotonic clock. Rejects with HarnessError when it cannot listen. */
  static async open(subject: Subject, now: () => number): Promise<LivePage> {
    const page = new LivePage(subject, now)
    const routes = new Map<string, Route>([
      ['', (_, response) => page.#showPage(response)],
      [paths.events, (request, response) => page.#stream(request, response)],
      [paths.report, (_, response) => void page.#showReport(response)],
    ])
    page.#door = await openDoor(routes)
    return page
  }

  private constructor(subject: Subject, now: () => number) {
    this.#subject = subject
    this.#now = now
    this.#startedAt = now()
    this.#viewers = new Viewers(this.#log, now)
  }

  /** With the token that lets one in: a secret. */
  get url(): string {
    return this.#door.url
  }

  readonly tell: OnProgress = (told) => {
    this.#view = watch(this.#view, allVisible(told), this.#elapsedMs())
  }

  /** Sends viewers on to the report. Returns whether there are any: it need not stay open otherwise. */
  end(ending: Ending): boolean {
    const isWatched = this.#viewers.count > 0 || this.#now() - this.#askedAt < awayMs
    this.#ending = ending
    clearInterval(this.#timer)
    this.#refresh()
    this.#viewers.send()
    this.#viewers.end('report' in ending ? { report: paths.report } : ending)
    return isWatched
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ending) this.end({ why: 'outlast failed; see its terminal' })
    await this.#door[Symbol.asyncDispose]()
  }

  #elapsedMs(): number {
    return this.#now() - this.#startedAt
  }

  #refresh(): readonly Part[] {
    const parts = partsOf(this.#view, this.#elapsedMs())
    this.#log.publish(parts)
    return parts
  }

  #showPage(response: ServerResponse): void {
    this.#askedAt = this.#now()
    if (this.#ending && 'report' in this.#ending) return answer(response, 303, { location: paths.report })
    const parts = this.#refresh()
    const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': pagePolicy }
    answer(response, 200, headers, livePage(this.#subject, parts, this.#log.version))
  }

  /** `text/event-stream` of what changes. 204 when nothing will: the one status after which no EventSource comes back. */
  #stream(request: IncomingMessage, response: ServerResponse): void {
    if (this.#ending) return answer(response, 204)
    if (this.#viewers.isFull) return answer(response, 503)
    begin(response, { 'content-type': 'text/event-stream; charset=utf-8' })
    if (request.method === 'HEAD') return void response.end()
    this.#refresh()
    const { searchParams } = new URL(request.url!, 'http://localhost')
    const { 'last-event-id': last } = request.headers
    this.#viewers.add(response, [searchParams.get('after') ?? undefined, Array.isArray(last) ? last[0] : last])
    this.#timer ??= setInterval(() => this.#frame(), frameMs).unref()
  }

  #frame(): void {
    if (this.#viewers.count > 0) {
      this.#refresh()
      return this.#viewers.send()
    }
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#askedAt = this.#now()
  }

  async #showReport(response: ServerResponse): Promise<void> {
    const file = this.#ending && 'report' in this.#ending ? this.#ending.report : undefined
    const html = file === undefined ? undefined : await readFile(file, 'utf8').catch(() => undefined)
    if (html === undefined) return answer(response, 404)
    answer(response, 200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': reportPolicy }, html)
  }
}

/** The report is one file, and asks for nothing either. */
const reportPolicy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "script-src 'unsafe-inline'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
