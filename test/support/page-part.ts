import { readFileSync, writeFileSync } from 'node:fs'

/** Replace what a page of docs/ has between `<!-- name -->` and `<!-- /name -->`; the marks stay. @throws where it has none */
export function writePart(file: string, name: string, part: string): void {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const text = readFileSync(file, 'utf8')
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)]
  if (to < from) throw new Error(`${file} has no ${begin} ... ${end}`)
  writeFileSync(file, `${text.slice(0, from)}\n\n${part}\n\n${text.slice(to)}`)
}
