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
  /** Escape sequences for colour, and characters beyond ASCII. */
  readonly rich: boolean
}

/** Aligned columns under a head; spare columns go until it fits the screen. Lines without trailing blanks. */
export function textTable(
  columns: readonly Column[],
  rows: readonly TableRow[],
  screen: Screen,
  paint: Paint = (text) => text,
): string {
  const rule = screen.rich ? '─' : '-'
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
