import { describeError } from '../../harness/core/errors.ts'

/** Why something cannot be found, or undefined where it can. */
export async function whyNot(find: () => unknown): Promise<string | undefined> {
  try {
    await find()
    return undefined
  } catch (error) {
    return describeError(error)
  }
}
