import type { NodeEvent } from '../model/runtime.ts'
import type { LedgerEffect } from '../run/ledger.ts'

/** A node as it was heard of last. */
interface NodeSeen {
  readonly node: string
  readonly state: NodeEvent['state']
  readonly pid?: number
}

/** Who did what of a task last, by the tool server's record. */
interface Done {
  readonly executor: string
  readonly step: number
}

/** What the page says beside a task: which nodes there are, and which one did the task's last step. */
export interface Around {
  readonly nodes: readonly NodeSeen[]
  readonly last: Done | undefined
}

/** More tasks than anybody watches on one page. */
const mostTasks = 1_000

/** Keeps what is heard of nodes and effects: the last word on each, of so many tasks at most. */
export class Surroundings {
  readonly #nodes = new Map<string, NodeSeen>()
  readonly #done = new Map<string, Done>()

  heedNode({ node, state, pid }: NodeEvent): void {
    this.#nodes.set(node, { node, state, ...(pid !== undefined && { pid }) })
  }

  heedEffect({ taskId, executor, step }: Pick<LedgerEffect, 'taskId' | 'executor' | 'step'>): void {
    this.#done.delete(taskId)
    this.#done.set(taskId, { executor, step })
    if (this.#done.size > mostTasks) this.#done.delete(this.#done.keys().next().value!)
  }

  around(taskId: string): Around {
    const nodes = [...this.#nodes.values()].sort((a, b) => (a.node < b.node ? -1 : 1))
    return { nodes, last: this.#done.get(taskId) }
  }
}
