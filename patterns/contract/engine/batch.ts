/**
 * Calls that arrive while one is under way wait together and become the next one. There is no timer and no added delay,
 * and at most one `perform` runs at a time for any number of callers. `perform` gets 1 to `most` inputs and answers in
 * their order.
 */
export function batching<In, Out>(
  perform: (inputs: readonly In[]) => Promise<readonly Out[]>,
  most: number,
): (input: In) => Promise<Out> {
  const waiting: { input: In; resolve: (output: Out) => void; reject: (error: unknown) => void }[] = []
  let busy = false

  async function performAll(): Promise<void> {
    if (busy) return
    busy = true
    while (waiting.length > 0) {
      const batch = waiting.splice(0, most)
      try {
        const outputs = await perform(batch.map((call) => call.input))
        batch.forEach((call, i) => call.resolve(outputs[i]!))
      } catch (error) {
        for (const call of batch) call.reject(error)
      }
    }
    busy = false
  }

  return (input) =>
    new Promise((resolve, reject) => {
      waiting.push({ input, resolve, reject })
      // After the current turn: what is asked for in one turn goes together.
      queueMicrotask(() => void performAll())
    })
}
