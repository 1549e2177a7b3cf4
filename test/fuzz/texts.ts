import type { Dice } from './dice.ts'
import { oddTexts } from './odd.ts'

/** The bytes of a text file after something happened to them that no editor shows. */
export function damageText(text: string, dice: Dice): Buffer {
  return dice.pick<() => Buffer>([
    () => flipBytes(Buffer.from(text), 1 + dice.below(25), dice),
    () => flipBytes(Buffer.from(text), 1 + dice.below(25), dice),
    () => Buffer.from(`\ufeff${text}`),
    () => Buffer.from(text.replaceAll('\n', '\r\n')),
    () => Buffer.from(text.replaceAll('\n', '\r')),
    () => Buffer.from(`\ufeff${text}`, 'utf16le'),
    () => Buffer.from(text, 'utf16le'),
    () => Buffer.from(text, 'utf16le').swap16(),
    () => Buffer.from(`${text}é`, 'latin1'),
    () => Buffer.from(text).subarray(0, dice.below(text.length + 1)),
    () => insert(text, '\0', dice),
    () => insert(text, dice.pick(oddTexts), dice),
    () => insert(text, dice.pick(oddTexts), dice),
    () =>
      insert(
        text,
        dice.pick([
          '\t',
          '- ',
          ': ',
          '# ',
          '"',
          "'",
          '{',
          '[',
          '&a ',
          '*a',
          '|\n',
          '!!str ',
          '---\n',
          '...\n',
          '%YAML 9.9\n',
        ]),
        dice,
      ),
    () => onLines(text, dice, (lines, at) => [...lines.slice(0, at), lines[at]!, ...lines.slice(at)]),
    () => onLines(text, dice, (lines, at) => [...lines.slice(0, at), ...lines.slice(at + 1)]),
    () => onLines(text, dice, (lines, at) => [...lines.slice(at), ...lines.slice(0, at)]),
    () => onLines(text, dice, (lines, at) => lines.map((line, i) => (i === at ? ` ${line}` : line))),
    () => Buffer.concat([Buffer.from(text), dice.bytes(1 + dice.below(200))]),
  ])()
}

export function flipBytes(bytes: Buffer, times: number, dice: Dice): Buffer {
  const flipped = Buffer.from(bytes)
  for (let i = 0; i < times && flipped.length > 0; i++) flipped[dice.below(flipped.length)]! ^= 1 << dice.below(8)
  return flipped
}

function insert(text: string, what: string, dice: Dice): Buffer {
  const at = dice.below(text.length + 1)
  return Buffer.from(text.slice(0, at) + what + text.slice(at))
}

function onLines(text: string, dice: Dice, edit: (lines: readonly string[], at: number) => readonly string[]): Buffer {
  const lines = text.split('\n')
  return Buffer.from(edit(lines, dice.below(lines.length)).join('\n'))
}
