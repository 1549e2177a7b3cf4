import type { ControlLimits, ToolRate } from '../model/control.ts'

/** Limits as every node reads them (`patterns/contract/server/access.ts`). */
export function environmentOf({ balances, toolRates }: ControlLimits = {}): Readonly<Record<string, string>> {
  return {
    ...(balances && { OUTLAST_BALANCES: JSON.stringify(balances) }),
    ...(toolRates && { OUTLAST_TOOL_RATE_PER_TASK: rateText(toolRates.task) }),
    ...(toolRates?.principal && { OUTLAST_TOOL_RATE_PER_PRINCIPAL: rateText(toolRates.principal) }),
  }
}

function rateText({ perSecond, burst }: ToolRate): string {
  return `${perSecond}/s:${burst}`
}
