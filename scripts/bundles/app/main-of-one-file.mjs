import '@aws-sdk/client-secrets-manager' // runs before this entry waits, also where a bundle is one file
import { firstSecret } from './first-secret.mjs'

console.log(JSON.stringify(await firstSecret(process.env.PROVIDER)))
