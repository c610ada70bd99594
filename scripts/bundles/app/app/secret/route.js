import { firstSecret } from '../../first-secret.mjs'

export const dynamic = 'force-dynamic' // a build must not read the secret, nor keep it

export async function GET(request) {
  return Response.json(await firstSecret(new URL(request.url).searchParams.get('provider')))
}
