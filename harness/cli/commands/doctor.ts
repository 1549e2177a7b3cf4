import { exitCodes } from '../../core/errors.ts'
import { visibleLine } from '../../core/visible.ts'
import { checkMachine, type Finding } from '../doctor-checks.ts'
import type { CommandFile } from '../command.ts'
import { outputScreen, print } from '../output.ts'
import { wrap } from '../../core/text-table.ts'
import { styleText } from 'node:util'

export default {
  name: 'doctor',
  summary: 'what is available here, and why what is not is not',
  declare(command, { registry, done }) {
    command.addHelpText('after', '\nExits with 4 when something that every run needs is missing.').action(async () => {
      const findings = await checkMachine(registry)
      for (const finding of findings) print(findingLine(finding))
      done(findings.some(({ state }) => state === 'missing') ? exitCodes.invalid : exitCodes.pass)
    })
  },
} satisfies CommandFile

const marks = {
  ok: ['ok     ', 'green'],
  absent: ['absent ', 'dim'],
  poor: ['poor   ', 'yellow'],
  missing: ['MISSING', 'red'],
} as const

function findingLine({ name, state, detail }: Finding): string {
  const { columns, rich } = outputScreen()
  const [mark, colour] = marks[state]
  const text = wrap(visibleLine(`${name}: ${detail}`), columns - 10, ' '.repeat(9))
  return `${rich ? styleText(colour, mark) : mark}  ${text}`
}
