import * as is from './shape.ts'

/** A node or a link of a system under test, by its name: `worker-1`, `client->api-0`. */
export const place = is.either(is.fields({ node: is.text }), is.fields({ link: is.text }))
export type Place = is.Shaped<typeof place>

export function nodesAmong(places: readonly Place[]): readonly string[] {
  return places.flatMap((one) => ('node' in one ? [one.node] : []))
}

export function linksAmong(places: readonly Place[]): readonly string[] {
  return places.flatMap((one) => ('link' in one ? [one.link] : []))
}

/** For people: `worker-0, client->api-1`. */
export function placeNames(places: readonly Place[]): string {
  return places.map((one) => ('node' in one ? one.node : one.link)).join(', ')
}

/** The places in such a text: histories and results had them so before plans were of version 2. */
export function placesIn(text: string): readonly Place[] {
  const names = text === '' ? [] : text.split(', ')
  return names.map((name) => (name.includes('->') ? { link: name } : { node: name }))
}
