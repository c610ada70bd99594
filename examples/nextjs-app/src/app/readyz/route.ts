// To copy: readiness, for a load balancer.
import { canServe } from '@finchat/secrets-core/live'
import { secrets } from '../../secrets'

export const dynamic = 'force-dynamic'

export async function GET(): Promise<Response> {
  const { secrets: _, ...counts } = await canServe(secrets(), ['LINK_KEY'])
  return Response.json(counts, { status: counts.ok ? 200 : 503 })
}
