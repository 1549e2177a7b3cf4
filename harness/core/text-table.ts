export interface Column {
  readonly head: string
  readonly align: 'left' | 'right'
  /** Columns with the highest number are left out first where the screen is narrow; 0 is never left out. */
  readonly spare: number
}

/** A row, or a rule between groups of rows. */
export type TableRow = readonly string[] | 'rule'

/** Paints a padded field; must not change its width. */
export type Paint = (text: string, column: number, row: number) => string

const gap = 2

/** What text is shown on. */
export interface Screen {
  readonly columns: number
  /** Escape sequences for colour. */
  readonly colour: boolean
  /** Characters beyond ASCII. */
  readonly unicode: boolean
}

/**
 * Aligned columns under a head. Where the screen is narrow, spare columns go; then what is too long goes on below. Lines
 * without trailing blanks.
 */
export function textTable(
  columns: readonly Column[],
  rows: readonly TableRow[],
  screen: Screen,
  paint: Paint = (text) => text,
): string {
  const heads = columns.map(({ head }) => head)
  const texts = [heads, ...rows.filter((row) => row !== 'rule')]
  const natural = columns.map((_, i) => widest(texts.map((row) => row[i] ?? '')))
  const kept = keptColumns(columns, natural, screen.columns)
  const fieldsOf = (row: readonly string[]): readonly string[] => kept.map((i) => row[i] ?? '')
  const widths = fittingWidths(texts.map(fieldsOf), screen.columns)
  const total = widths.reduce((sum, width) => sum + width + gap, -gap)
  const rule = (screen.unicode ? '─' : '-').repeat(total)
  const linesOf = (row: readonly string[], number: number): readonly string[] =>
    wrapRow(fieldsOf(row), widths).map((fields) =>
      kept
        .map((i, k) => paint(pad(fields[k]!, widths[k]!, columns[i]!.align), i, number))
        .join(' '.repeat(gap))
        .trimEnd(),
    )
  return [
    ...linesOf(heads, -1),
    rule,
    ...rows.flatMap((row, number) => (row === 'rule' ? [rule] : linesOf(row, number))),
  ].join('\n')
}

function keptColumns(columns: readonly Column[], widths: readonly number[], width: number): readonly number[] {
  const all = columns.map((_, i) => i)
  const spares = [...new Set(columns.map(({ spare }) => spare))].toSorted((a, b) => b - a)
  for (const limit of [Infinity, ...spares]) {
    const kept = all.filter((i) => columns[i]!.spare === 0 || columns[i]!.spare < limit)
    if (kept.reduce((sum, i) => sum + widths[i]! + gap, -gap) <= width) return kept
  }
  return all.filter((i) => columns[i]!.spare === 0)
}

/** Every character that the reports use is one column wide. */
function displayWidth(text: string): number {
  return Array.from(text).length
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'left' ? text + blanks : blanks + text
}

/** Break a sentence at blanks so that no line is wider, with an indent from the second line on. */
export function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && displayWidth(last) + 1 + displayWidth(word) <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(last === undefined ? word : indent + word)
  }
  return lines.join('\n')
}

/** Longer words are broken where there is no room for them; not in the first column, which has the names. */
const longestWord = 20

/** Widths of columns, so that a table of these rows is no wider than `width`, if words leave the room. */
function fittingWidths(rows: readonly (readonly string[])[], width: number): readonly number[] {
  const needs = (rows[0] ?? []).map((_, i) => {
    const texts = rows.map((row) => row[i] ?? '')
    const word = widest(texts.flatMap((text) => text.split(' ')))
    return { all: widest(texts), word: i === 0 ? word : Math.min(word, longestWord) }
  })
  return shareWidths(needs, width - gap * (needs.length - 1))
}

/** A row becomes several, with nothing in what has ended. */
function wrapRow(row: readonly string[], widths: readonly number[]): readonly (readonly string[])[] {
  const fields = row.map((text, i) => wrap(i === 0 ? text : breakWords(text, widths[i]!), widths[i]!, '').split('\n'))
  const height = Math.max(...fields.map(({ length }) => length))
  return Array.from({ length: height }, (_, line) => fields.map((lines) => lines[line] ?? ''))
}

function breakWords(text: string, width: number): string {
  return displayWidth(text) <= width ? text : text.replaceAll(new RegExp(`\\S{${width}}(?=\\S)`, 'gu'), '$& ')
}

function widest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, displayWidth(text)), 0)
}

/** What a column needs so that no text of it is broken, and so that no word is. */
interface Need {
  readonly all: number
  readonly word: number
}

/** Every column gets its longest word; what is left goes in equal parts to those that want more, narrow ones first. */
function shareWidths(needs: readonly Need[], room: number): readonly number[] {
  const more = new Map<Need, number>()
  let left = Math.max(
    0,
    needs.reduce((rest, { word }) => rest - word, room),
  )
  for (const [k, need] of needs.toSorted((a, b) => a.all - a.word - b.all + b.word).entries()) {
    const share = Math.min(need.all - need.word, Math.floor(left / (needs.length - k)))
    more.set(need, share)
    left -= share
  }
  return needs.map((need) => need.word + more.get(need)!)
}
