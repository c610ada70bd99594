import { firstSecret } from './first-secret.mjs'

firstSecret(process.env.PROVIDER).then((first) => console.log(JSON.stringify(first)), console.error)
