import { basename } from 'node:path'
import { isScalar, parseDocument, visit } from 'yaml'

/** Where whoever keeps a scenario keeps the profiles that it includes by their paths: as written -> from the scenario. */
export function placeProfiles(paths: readonly string[]): ReadonlyMap<string, string> {
  const names = paths.map((path) => basename(path))
  // The name of a profile is that of its file: a second one of that name gets a folder.
  const placed = names.map((name, i) => (names.indexOf(name) === i ? name : `${i + 1}/${name}`))
  return new Map(paths.map((path, i) => [path, `./profiles/${placed[i]}`]))
}

/** A scenario's text with other paths in its includes. All else stays as it was written, comments too. */
export function renameIncludes(text: string, renamed: ReadonlyMap<string, string>): string {
  const found: { readonly from: number; readonly until: number; readonly path: string }[] = []
  visit(parseDocument(text), {
    Pair(_, { key, value }) {
      if (!isScalar(key) || key.value !== 'include' || !isScalar(value) || !value.range) return
      const path = renamed.get(String(value.value))
      if (path !== undefined) found.push({ from: value.range[0], until: value.range[1], path })
    },
  })
  return found.reduceRight((kept, { from, until, path }) => {
    // A text in a block of its own ends with its line.
    const end = text.slice(from, until).endsWith('\n') ? '\n' : ''
    return kept.slice(0, from) + JSON.stringify(path) + end + kept.slice(until)
  }, text)
}
