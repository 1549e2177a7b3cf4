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

/** Aligned columns under a head; spare columns go until it fits the screen. Lines without trailing blanks. */
export function textTable(
  columns: readonly Column[],
  rows: readonly TableRow[],
  screen: Screen,
  paint: Paint = (text) => text,
): string {
  const rule = screen.unicode ? '─' : '-'
  const widths = columns.map((column, i) =>
    Math.max(...[column.head, ...rows.flatMap((row) => (row === 'rule' ? [] : [row[i] ?? '']))].map(displayWidth)),
  )
  const kept = keptColumns(columns, widths, screen.columns)
  const total = kept.reduce((sum, i) => sum + widths[i]! + gap, -gap)
  const line = (cells: readonly string[], row: number): string =>
    kept
      .map((i) => paint(pad(cells[i] ?? '', widths[i]!, columns[i]!.align), i, row))
      .join(' '.repeat(gap))
      .trimEnd()
  const head = line(
    columns.map((column) => column.head),
    -1,
  )
  const body = rows.map((row, i) => (row === 'rule' ? rule.repeat(total) : line(row, i)))
  return [head, rule.repeat(total), ...body].join('\n')
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

/** Longer ones are broken where there is no room for them. */
const longestWord = 20

/**
 * Rows whose first column stays as it is, and whose others break at blanks, so that a table of them is no wider than `width`,
 * if words and the first column leave the room. A row becomes several, with nothing in what has ended.
 */
export function wrapRows(rows: readonly (readonly string[])[], width: number): readonly (readonly string[])[] {
  const needs = (rows[0] ?? []).map((_, i) => {
    const texts = rows.map((row) => row[i] ?? '')
    return { all: widest(texts), word: Math.min(widest(texts.flatMap((text) => text.split(' '))), longestWord) }
  })
  const widths = shareWidths(needs, width - gap * (needs.length - 1))
  return rows.flatMap((row) => {
    const fields = row.map((text, i) => wrap(i === 0 ? text : breakWords(text, widths[i]!), widths[i]!, '').split('\n'))
    const height = Math.max(...fields.map(({ length }) => length))
    return Array.from({ length: height }, (_, line) => fields.map((lines) => lines[line] ?? ''))
  })
}

function breakWords(text: string, width: number): string {
  return text.replaceAll(new RegExp(`\\S{${width}}(?=\\S)`, 'g'), '$& ')
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map(displayWidth), 0)
}

/** What a column needs so that no text of it is broken, and so that no word is. */
interface Need {
  readonly all: number
  readonly word: number
}

/** The first column and narrow ones get what they need, wide ones equal shares of the rest. */
function shareWidths([first, ...others]: readonly Need[], room: number): readonly number[] {
  if (!first) return []
  const given = new Map<Need, number>()
  let left = room - first.all
  for (const [k, need] of others.toSorted((a, b) => a.all - b.all).entries()) {
    const share = Math.max(Math.min(need.all, Math.floor(left / (others.length - k))), need.word)
    given.set(need, share)
    left -= share
  }
  return [first.all, ...others.map((need) => given.get(need)!)]
}
