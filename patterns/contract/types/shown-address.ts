/** An address as logs and errors show it: without user, password and query, in which secrets of its owner may be. */
export function shownAddress(url: string): string {
  if (!URL.canParse(url)) return url.replace(/[?#].*$/s, '?…')
  const { origin, pathname, search } = new URL(url)
  return `${origin}${pathname}${search === '' ? '' : '?…'}`
}
