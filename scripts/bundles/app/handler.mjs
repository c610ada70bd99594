import { createSecretsManager } from '@finchat/secrets-core'
import { awsProvider } from '@finchat/secrets-provider-aws'

// Once for each execution environment. Nothing is asked here: the first invocation asks.
const secrets = createSecretsManager({
  providers: [awsProvider({ prefix: 'prod/', timeoutMs: 2_000 })], // the region is Lambda's AWS_REGION
  cache: { ttlSeconds: Number(process.env.SECRET_TTL_SECONDS ?? 300) },
  deadlineMs: 2_500, // below the timeout of the function
})

export async function handler() {
  const token = await secrets.getSecret('FINCHAT_TOKEN')
  return { statusCode: 200, body: `a token of ${token.length} characters` }
}
