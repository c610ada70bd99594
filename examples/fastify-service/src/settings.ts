// To copy: the secrets that the service needs, by name, and what each must be.
import type { LoadedSecrets } from '@finchat/secrets-core'
import { z } from 'zod'

export const specs = {
  database: { name: 'DATABASE', json: true, schema: z.object({ host: z.string(), port: z.int(), password: z.string().min(8) }) },
  partnerUrl: { name: 'PARTNER_URL', schema: z.url() },
  logLevel: { name: 'LOG_LEVEL', schema: z.enum(['debug', 'info', 'warn']).default('info') },
} as const

export type Settings = LoadedSecrets<typeof specs>
