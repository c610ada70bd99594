// To copy: a route. An error of the manager has no value, but names: keep it in the log.
import { signedLink } from '../../../signed-link'

export const dynamic = 'force-dynamic'

export async function GET(request: Request): Promise<Response> {
  const order = Number(new URL(request.url).searchParams.get('order'))
  if (!Number.isSafeInteger(order) || order < 1) return new Response('order is a number above 0', { status: 400 })
  try {
    return new Response(await signedLink(order))
  } catch (error) {
    console.error(error)
    return new Response('the link cannot be signed now', { status: 503 })
  }
}
