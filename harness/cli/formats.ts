import { join } from 'node:path'
import type { FileFormat, Format, ScreenFormat } from '../../reports/format.ts'
import { UsageError } from '../core/errors.ts'
import { didYouMean } from '../core/did-you-mean.ts'
import type { RunResults } from '../model/results.ts'
import { ensureFolder, writeWhole } from '../store/whole-file.ts'
import { parseList } from './arguments.ts'

type Formats = ReadonlyMap<string, Format>

/** Of an option that may be given again: `--format junit,csv --format html`. */
export function parseFormats(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...parseList(text)]
}

/** Formats by name, each once. Throws UsageError that lists what there is. */
export function pickFormats(formats: Formats, wanted: readonly string[]): readonly Format[] {
  const names = [...formats.keys()]
  return [...new Set(wanted)].map((name) => {
    const format = formats.get(name)
    if (format) return format
    throw new UsageError(`there is no format "${name}"${didYouMean(name, names)}; formats: ${names.join(', ')}`)
  })
}

/** Those that are printed, or written, where nobody asks for others. */
export function usualFormats<O extends Format['output']>(formats: Formats, output: O): readonly FormatOf<O>[] {
  return formatsFor(
    [...formats.values()].filter(({ usual }) => usual),
    output,
  )
}

type FormatOf<O extends Format['output']> = O extends 'screen' ? ScreenFormat : FileFormat

export function formatsFor<O extends Format['output']>(formats: readonly Format[], output: O): readonly FormatOf<O>[] {
  return formats.filter((format): format is Format & FormatOf<O> => format.output === output)
}

/** Writes `report.<extension>` and resolves with its path. Throws UsageError or HarnessError that name it. */
export async function writeReportFile(format: FileFormat, results: RunResults, folder: string): Promise<string> {
  const path = join(folder, `report.${format.extension}`)
  ensureFolder(folder)
  await writeWhole(path, format.render(results))
  return path
}
