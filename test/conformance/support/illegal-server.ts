import type { Balances } from '../../../patterns/contract/types/account.ts'
import type { Wrong } from './wrong-proxy.ts'

/** A server that breaks one sentence of the contract. */
export interface IllegalServer {
  readonly name: string
  /** Of the node behind it; `sse-polling` by default. */
  readonly delivery?: string
  /** What principals have to begin with, there; nobody has an account otherwise. */
  readonly balances?: Balances
  /** Made anew for each proxy: some count. */
  readonly wrong: () => Wrong
  /** Of all cases these fail, and no other. */
  readonly caughtBy: readonly string[]
  /** These cannot tell. */
  readonly undecided?: readonly string[]
}
