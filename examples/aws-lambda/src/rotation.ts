// To copy: the function that AWS Secrets Manager invokes for a rotation. Bundled to dist/rotation.mjs.
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { createSecretsManager, SecretsError } from '@finchat/secrets-core'
import { awsProvider } from '@finchat/secrets-provider-aws'
import { functionTarget, tokenGenerator } from '@finchat/secrets-rotation'
import { type AwsRotationHandler, awsRotationHandler } from '@finchat/secrets-rotation/aws'
import { askPartner, setToken, TokenRefusedError } from './partner.ts'

const secrets = createSecretsManager({ providers: [awsProvider({ prefix: process.env['SECRET_PREFIX'] ?? 'prod/' })] })

export const handler: AwsRotationHandler = awsRotationHandler({
  client: new SecretsManager(),
  generate: tokenGenerator(),
  graceSeconds: 0, // the partner accepts one token at a time
  target: functionTarget({
    apply: async (value, { token: order }, { signal }) => {
      const status = await setToken(value.reveal(), order, await secrets.getSecret('PARTNER_ADMIN_TOKEN'), signal)
      if (status === 409) throw new SecretsError('VERSION_CONFLICT', 'a later rotation was here')
      if (status !== 204) throw new SecretsError('UNAVAILABLE', `the partner answered ${status}`)
    },
    test: async (value) => {
      try {
        await askPartner('/balance', value.reveal())
        return 'accepted'
      } catch (error) {
        if (error instanceof TokenRefusedError) return 'refused'
        throw error
      }
    },
  }),
})
