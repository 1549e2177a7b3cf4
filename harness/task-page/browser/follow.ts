import type { Command } from '../shown/commands.ts'
import { isTerminal, type LoggedEvent, placeIn } from '../shown/event.ts'
import type { Channel, End, OpenChannel } from './channel.ts'
import { sayByPost } from './post-command.ts'

/** How the page stands to the task that it shows. */
export type Connection =
  | { readonly state: 'connecting' | 'open' | 'gone' | 'refused' | 'over' }
  | { readonly state: 'broken'; readonly againInS: number }

export interface Following {
  readonly log: readonly LoggedEvent[]
  readonly onConnection: (connection: Connection) => void
  /** One more event, which continues the log. */
  readonly onEvent: (event: LoggedEvent) => void
  readonly onAnswer: (id: string, refusal?: string) => void
  /** Commands of which nobody has said yet what became of them. */
  readonly unsettled: () => readonly Command[]
}

const [firstPauseS, longestPauseS] = [0.5, 8]
/** So often in a row a final answer must be given: it may be of a gateway, or of a replica that knows less. */
const proof = 3
const sayAgainMs = 2_000

/**
 * Follows a task to its end. A connection that breaks is followed by another one after the last event that came; what comes twice
 * is told once, and only what is next ends a row of failures. Commands without an answer are said again. Returns how to say a command, and how to leave.
 */
export function followTask(taskId: string, open: OpenChannel, following: Following): Channel {
  let [channel, hasLeft, pauseS]: [Channel | undefined, boolean, number] = [undefined, false, firstPauseS]
  let finals = 0
  const isOver = (): boolean => isTerminal(following.log.at(-1)?.status ?? '')
  const say = (command: Command): void => {
    if (isOver()) void sayByPost(taskId, command, following.onAnswer)
    else channel?.say(command)
  }
  const sayAgain = (): void => following.unsettled().forEach(say)
  const take = (event: LoggedEvent): void => {
    const place = placeIn(following.log, event)
    if (place === 'next') {
      ;[pauseS, finals] = [firstPauseS, 0]
      following.onEvent(event)
    }
    // What is missing comes over the next connection.
    else if (place === 'gap') channel?.close()
  }
  const end = ({ final, againInS = 0 }: End): void => {
    if (hasLeft) return
    channel = undefined
    if (isOver()) return following.onConnection({ state: 'over' })
    finals = final === undefined ? 0 : finals + 1
    if (final !== undefined && finals >= proof) return following.onConnection({ state: final })
    const waitS = Math.max(pauseS, againInS)
    following.onConnection({ state: 'broken', againInS: waitS })
    setTimeout(connect, waitS * 1_000)
    pauseS = Math.min(2 * pauseS, longestPauseS)
  }
  const connect = (): void => {
    if (hasLeft) return
    following.onConnection({ state: 'connecting' })
    channel = open(taskId, following.log.at(-1)?.seq ?? 0, {
      onOpen: () => {
        following.onConnection({ state: 'open' })
        sayAgain()
      },
      onEvent: take,
      onAnswer: following.onAnswer,
      onEnd: end,
    })
  }
  const again = setInterval(sayAgain, sayAgainMs)
  connect()
  return {
    say,
    close: () => {
      hasLeft = true
      clearInterval(again)
      channel?.close()
    },
  }
}
