import { didYouMean } from '../core/did-you-mean.ts'
import { UsageError } from '../core/errors.ts'
import type { Catalog, CatalogPattern } from '../scenario/catalog.ts'

/** The patterns of these names. Throws UsageError with every name that is none. */
export function resolvePatterns(names: readonly string[], catalog: Catalog): readonly CatalogPattern[] {
  const found = names.map((name) => catalog.resolvePattern(name))
  const problems = names
    .filter((_, i) => !found[i])
    .map((name) => {
      const hint = didYouMean(name, catalog.patternNames)
      return `there is no pattern "${name}"${hint}; patterns: ${catalog.patternNames.join(', ')}, or any delivery+engine`
    })
  if (problems.length > 0) throw new UsageError(problems)
  return found.map((pattern) => pattern!)
}
