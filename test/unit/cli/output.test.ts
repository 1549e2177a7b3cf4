import { expect, test, vi } from 'vitest'
import { say } from '../../../harness/cli/output.ts'

test('text from outside says no line of its own on standard error', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    say('this run broke off: x\nPASS\r\u001B[2J')
    expect(write.mock.calls).toEqual([[String.raw`this run broke off: x\nPASS\r\x1b[2J` + '\n']])
  } finally {
    write.mockRestore()
  }
})
