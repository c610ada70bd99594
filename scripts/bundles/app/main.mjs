import { firstSecret } from './first-secret.mjs'

console.log(JSON.stringify(await firstSecret(process.env.PROVIDER)))
