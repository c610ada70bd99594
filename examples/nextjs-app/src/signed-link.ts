// To copy: what the server makes of a secret. The signature may be seen, and does not tell the key.
import { createHmac } from 'node:crypto'
import { secrets } from './secrets'

export async function signedLink(order: number): Promise<string> {
  const key = await secrets().getSecret('LINK_KEY')
  const signature = createHmac('sha256', key).update(String(order)).digest('hex')
  return `https://partner.example/pay?order=${order}&signature=${signature}`
}
