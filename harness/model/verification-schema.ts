import { z } from 'zod'
import type { Verification } from './verification.ts'

/** `verification.json`, version 1, as `harness/model/verification.ts` describes it; unknown fields are kept. */
export const verificationSchema: z.ZodType<Verification> = z.looseObject({
  version: z.literal(1),
  patterns: z.array(
    z.looseObject({
      pattern: z.string(),
      cases: z.array(
        z.looseObject({
          case: z.string(),
          outcome: z.enum(['pass', 'fail', 'undecided', 'n/a']),
          reason: z.exactOptional(z.string()),
        }),
      ),
    }),
  ),
})
