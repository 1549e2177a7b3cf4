import type { Operation } from '../shown/json-patch.ts'
import { type Entered, readCredits, readInstruction, readMemory, readPatch, readSeed } from '../shown/entered.ts'
import { byId, onSubmit, showFlaw, valueOf } from './dom.ts'

/** What a form came to, with its flaw said in place; undefined: there was one. */
function take<T>(id: string, entered: Entered<T>): T | undefined {
  showFlaw(id, 'flaw' in entered ? entered.flaw : '')
  if ('value' in entered) return entered.value
  byId(id).focus()
  return undefined
}

/** The body of a submission as the form has it; undefined: something in it is wrong, and is said. */
export function readSubmission(key: string, callbackUrl: string | undefined): object | undefined {
  const text = valueOf('budget')
  const seed = take('seed', readSeed(valueOf('seed')))
  const credits = take('budget', text.trim() === '' ? { value: 0 } : readCredits(text))
  const entered = readMemory(valueOf('memory'))
  const memory = take('memory', entered)
  if (seed === undefined || credits === undefined || 'flaw' in entered) return undefined
  return {
    type: 'agent',
    input: { seed, profile: valueOf('work'), job: key },
    ...(credits > 0 && { budget: { credits } }),
    ...(memory && { memory }),
    ...(callbackUrl !== undefined && { delivery: { webhook_url: callbackUrl } }),
  }
}

/** What the forms below a task come to. */
export interface Wishes {
  readonly document: () => unknown
  readonly steer: (patch: readonly Operation[]) => void
  readonly topUp: (credits: number) => void
}

export function openForms({ document, steer, topUp }: Wishes): void {
  const isPatch = (): boolean => (byId('steer-patch') as HTMLInputElement).checked
  const field = byId('steered') as HTMLTextAreaElement
  const label = (): void => {
    byId('steered-label').textContent = isPatch() ? 'JSON Patch' : 'New instruction'
    field.placeholder = isPatch() ? '[{"op": "add", "path": "/instruction", "value": "be brief"}]' : 'be brief'
    showFlaw('steered', '')
  }
  for (const id of ['steer-patch', 'steer-instruction']) byId(id).addEventListener('change', label)
  label()
  onSubmit('steer', () => {
    const text = valueOf('steered')
    const patch = take('steered', isPatch() ? readPatch(text, document()) : readInstruction(text))
    if (!patch) return
    field.value = ''
    steer(patch)
  })
  onSubmit('top-up', () => {
    const credits = take('credits', readCredits(valueOf('credits')))
    if (credits !== undefined) topUp(credits)
  })
}
