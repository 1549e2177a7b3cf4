import type { Format } from '../../reports/format.ts'
import { discover } from '../core/discover.ts'
import { UsageError } from '../core/errors.ts'
import { didYouMean } from '../core/did-you-mean.ts'

export function loadFormats(): Promise<ReadonlyMap<string, Format>> {
  return discover<Format>(new URL('../../reports/formats/', import.meta.url))
}

/** One format by name. Throws UsageError that lists what there is. */
export function pickFormat(formats: ReadonlyMap<string, Format>, name: string): Format {
  const names = [...formats.keys()]
  const format = formats.get(name)
  if (format) return format
  throw new UsageError(`there is no format "${name}"${didYouMean(name, names)}; formats: ${names.join(', ')}`)
}
