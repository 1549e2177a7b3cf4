import { defaultSpawnLimits } from '../../patterns/contract/engine/sub-tasks.ts'
import type { Command } from '../../patterns/contract/types/command.ts'
import { Wakeup } from '../../patterns/contract/engine/wakeup.ts'
import type { Mailbox } from '../../patterns/engines/dbos/mailbox.ts'

/** The mailbox of one task, in memory. */
export function fakeMailbox() {
  const commands: Command[] = []
  const watching = new Set<Wakeup>()
  let waits = 0
  const mailbox: Mailbox = {
    unread: async (_taskId, known) =>
      commands.slice(known).map((command) => ({ command, accepted_at: new Date(0).toISOString() })),
    watch: () => {
      const wakeup = new Wakeup()
      watching.add(wakeup)
      return {
        untilNews: async (stop) => {
          waits++
          await wakeup.wait(5, stop)
        },
        [Symbol.dispose]: () => void watching.delete(wakeup),
      }
    },
  }
  return {
    ...mailbox,
    put: (...more: readonly Command[]): void => {
      commands.push(...more)
      for (const wakeup of watching) wakeup.notify()
    },
    watchers: (): number => watching.size,
    /** Until somebody has waited so often. */
    waits: async (times: number): Promise<void> => {
      while (waits < times) await new Promise((resolve) => setTimeout(resolve, 1))
    },
  }
}

/** Of tasks that have no others above them. */
export const alone = { limits: defaultSpawnLimits, isCancelled: async (): Promise<boolean> => false }
