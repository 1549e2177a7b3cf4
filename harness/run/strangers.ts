import { randomBytes } from 'node:crypto'
import type { Dispatcher } from 'undici'
import type { Stranger } from '../model/history.ts'
import { type Heard, strangerIn } from '../core/http.ts'

/** `<run>/<cell>/<draw>`, with which every answer of a node is signed. The draw tells runs of one name apart. */
export function nameSystem(run: string, cell: string): string {
  return `${encodeURI(`${run}/${cell}`)}/${randomBytes(6).toString('hex')}`
}

/** Looks at every answer from where a node of the system is dialled. `placeOf`: the name of the node, or of the link to it. */
export type StrangerWatch = (heard: Heard, placeOf: () => string) => void

/** Tells of strangers, of each place once. */
export function watchForStrangers(
  system: string,
  tell: (stranger: Stranger) => void,
  isBehindEdge = false,
): StrangerWatch {
  const told = new Set<string>()
  return (heard, placeOf) => {
    const who = strangerIn(heard, system, isBehindEdge)
    if (who === undefined) return
    const place = placeOf()
    if (!told.has(place)) tell({ place, who })
    told.add(place)
  }
}

/** A dispatcher that lets `watch` look at every answer, whichever delivery's client gets it. Places are base addresses by name. */
export function watched(dispatcher: Dispatcher, places: readonly NamedPlace[], watch: StrangerWatch): Dispatcher {
  return dispatcher.compose((dispatch) => (options, handler) => {
    const look = (heard: Heard): void => watch(heard, () => placeOf(String(options.origin), places))
    return dispatch(options, new Watched(handler, look))
  })
}

interface NamedPlace {
  readonly name: string
  readonly url: string
}

/** Where the address leads; itself, where that has no name. */
export function placeOf(url: string, places: readonly NamedPlace[]): string {
  const { host } = new URL(url)
  return places.find((place) => new URL(place.url).host === host)?.name ?? host
}

/** Passes on what there is to know of one exchange. A class, since thousands are open at once. */
class Watched implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler
  readonly #look: (heard: Heard) => void

  constructor(handler: Dispatcher.DispatchHandler, look: (heard: Heard) => void) {
    this.#handler = handler
    this.#look = look
  }

  onRequestStart(...args: Arguments<'onRequestStart'>): void {
    this.#handler.onRequestStart?.(...args)
  }

  onRequestUpgrade(...args: Arguments<'onRequestUpgrade'>): void {
    this.#handler.onRequestUpgrade?.(...args)
  }

  onResponseStart(...args: Arguments<'onResponseStart'>): void {
    const [, status, headers] = args
    if (status >= 200) this.#look({ status, header: (name) => headers[name]?.toString() })
    this.#handler.onResponseStart?.(...args)
  }

  onResponseData(...args: Arguments<'onResponseData'>): void {
    this.#handler.onResponseData?.(...args)
  }

  onResponseEnd(...args: Arguments<'onResponseEnd'>): void {
    this.#handler.onResponseEnd?.(...args)
  }

  onResponseError(...args: Arguments<'onResponseError'>): void {
    this.#handler.onResponseError?.(...args)
  }
}

type Arguments<M extends keyof Dispatcher.DispatchHandler> = Parameters<NonNullable<Dispatcher.DispatchHandler[M]>>
