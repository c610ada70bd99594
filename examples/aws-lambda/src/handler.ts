// To copy: a Lambda function. It is bundled to dist/handler.mjs.
import { createSecretsManager } from '@finchat/secrets-core'
import { useSecret } from '@finchat/secrets-core/live'
import { awsProvider } from '@finchat/secrets-provider-aws'
import { askPartner, TokenRefusedError } from './partner.ts'

// Once for each execution environment. Nothing is asked here: the first invocation asks.
const secrets = createSecretsManager({
  providers: [awsProvider({ prefix: process.env['SECRET_PREFIX'] ?? 'prod/', timeoutMs: 2_000 })], // the region is Lambda's AWS_REGION
  deadlineMs: 2_500, // below the timeout of the function
})

/** If the partner refuses a token that was rotated meanwhile, the new one is read and used. */
export async function handler(): Promise<{ readonly statusCode: number; readonly body: string }> {
  const body = await useSecret(secrets, 'PARTNER_TOKEN', (token) => askPartner('/balance', token.reveal()), {
    isAuthError: (error) => error instanceof TokenRefusedError,
  })
  return { statusCode: 200, body }
}
