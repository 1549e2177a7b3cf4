import { createInterface } from 'node:readline'
import { UsageError } from '../../core/errors.ts'
import { print } from '../output.ts'
import type { Terminal } from './questions.ts'

/** Standard input and output, where both are a terminal. Ctrl-C and the end of the input reject what is being asked. */
export function openTerminal(): Terminal & Disposable {
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  // Lines that are pasted come before their questions.
  const answers: string[] = []
  let waiting: PromiseWithResolvers<string> | undefined
  let isOver = false
  const settle = (): void => {
    if (answers.length > 0) waiting?.resolve(answers.shift()!)
    else if (isOver) waiting?.reject(new UsageError('ended before all was answered: nothing was written'))
    else return
    waiting = undefined
  }
  lines.on('line', (line) => {
    answers.push(line.trim())
    if (waiting) settle()
  })
  lines.on('SIGINT', () => lines.close())
  lines.on('close', () => {
    isOver = true
    settle()
  })
  return {
    tell: print,
    ask(question) {
      lines.setPrompt(`${question} `)
      if (!isOver) lines.prompt()
      waiting = Promise.withResolvers<string>()
      const { promise } = waiting
      settle()
      return promise
    },
    [Symbol.dispose]: () => lines.close(),
  }
}
