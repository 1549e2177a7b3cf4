import { z } from 'zod'
import type { NodeSettings } from '../types/settings.ts'
import { accessEnvironment, accessOf, isIssuerWhole } from './access.ts'
import { limitsEnvironment, limitsOf } from './limits.ts'
import { timeScales } from '../types/timing.ts'

const variables = z.object({
  OUTLAST_NODE: z.string().min(1),
  OUTLAST_SYSTEM: z
    .string()
    .regex(/^[\x21-\x7e]{1,500}$/, 'visible ASCII, at most 500 characters')
    .optional(),
  OUTLAST_START: z.string().optional(),
  OUTLAST_HOST: z.string().default('127.0.0.1'),
  OUTLAST_PORT: z.coerce.number().int().min(0).max(65535),
  OUTLAST_DELIVERY: z.string().min(1),
  OUTLAST_ENGINE: z.string().min(1),
  OUTLAST_BACKEND: z.string().min(1).optional(),
  OUTLAST_TIME_SCALE: z.coerce.number().min(timeScales.least).max(timeScales.most).default(1),
  OUTLAST_TUNING: z.enum(['default', 'tuned']).default('default'),
  OUTLAST_TOKEN: z.string().min(16),
  OUTLAST_STORE_URL: z.string().optional(),
  OUTLAST_ENGINE_URL: z.string().optional(),
  OUTLAST_ENGINE_CONTROL_URL: z.string().optional(),
  OUTLAST_ADVERTISED_URL: z.string().optional(),
  OUTLAST_TOOLS_URL: z.string().optional(),
  OUTLAST_WEBHOOK_ALLOW: z
    .string()
    .transform((list) => list.split(',').map((network) => network.trim()))
    .pipe(z.array(z.union([z.cidrv4(), z.cidrv6()])))
    .optional(),
  OUTLAST_WEBHOOK_KEYS: z
    .string()
    .transform((list) => list.split(',').map((key) => key.trim()))
    .pipe(z.array(z.string().regex(/^(whsec|whsk)_/, 'each begins with whsec_ or whsk_')))
    .optional(),
  OUTLAST_WEBHOOK_PORTS: z
    .string()
    .regex(/^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$/, 'ports and ranges, e.g. 443,8000-8999')
    .optional(),
  OUTLAST_CORS_ORIGINS: z
    .string()
    .transform((list) => list.split(',').map((origin) => origin.trim()))
    .pipe(z.array(z.string().refine(isOrigin, '*, or scheme, host and port: https://app.example')))
    .optional(),
  OUTLAST_RETENTION_S: z.coerce.number().positive().optional(),
  ...accessEnvironment,
  ...limitsEnvironment,
})

const environment = variables.refine(isIssuerWhole, {
  error: 'OUTLAST_JWKS_FILE, OUTLAST_JWT_ISSUER and OUTLAST_JWT_AUDIENCE: all three, or none',
  // Said beside whatever else is wrong.
  when: () => true,
})

/** As browsers send it in `Origin`: without a path, and without the scheme's own port. */
function isOrigin(text: string): boolean {
  return text === '*' || (URL.canParse(text) && new URL(text).origin === text)
}

/** A node's settings from its environment. Throws one error that names every variable that is missing or wrong. */
export function readSettings(env: NodeJS.ProcessEnv): NodeSettings {
  const parsed = environment.safeParse(env)
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error))
  const e = parsed.data
  return {
    node: e.OUTLAST_NODE,
    ...(e.OUTLAST_SYSTEM && { system: e.OUTLAST_SYSTEM }),
    ...(e.OUTLAST_START && { start: e.OUTLAST_START }),
    listen: { host: e.OUTLAST_HOST, port: e.OUTLAST_PORT },
    delivery: e.OUTLAST_DELIVERY,
    engine: e.OUTLAST_ENGINE,
    ...(e.OUTLAST_BACKEND && { backend: e.OUTLAST_BACKEND }),
    timeScale: e.OUTLAST_TIME_SCALE,
    tuning: e.OUTLAST_TUNING,
    token: e.OUTLAST_TOKEN,
    ...accessOf(e),
    ...(e.OUTLAST_STORE_URL && { storeUrl: e.OUTLAST_STORE_URL }),
    ...(e.OUTLAST_ENGINE_URL && { engineUrl: e.OUTLAST_ENGINE_URL }),
    ...(e.OUTLAST_ENGINE_CONTROL_URL && { engineControlUrl: e.OUTLAST_ENGINE_CONTROL_URL }),
    ...(e.OUTLAST_ADVERTISED_URL && { advertisedUrl: e.OUTLAST_ADVERTISED_URL }),
    ...(e.OUTLAST_TOOLS_URL && { toolsUrl: e.OUTLAST_TOOLS_URL }),
    ...(e.OUTLAST_WEBHOOK_ALLOW && { webhookAllow: e.OUTLAST_WEBHOOK_ALLOW }),
    ...(e.OUTLAST_WEBHOOK_PORTS && { webhookPorts: e.OUTLAST_WEBHOOK_PORTS }),
    ...(e.OUTLAST_WEBHOOK_KEYS && { webhookKeys: e.OUTLAST_WEBHOOK_KEYS }),
    ...(e.OUTLAST_CORS_ORIGINS && { corsOrigins: e.OUTLAST_CORS_ORIGINS }),
    ...(e.OUTLAST_RETENTION_S !== undefined && { retentionS: e.OUTLAST_RETENTION_S }),
    limits: limitsOf(e),
  }
}
