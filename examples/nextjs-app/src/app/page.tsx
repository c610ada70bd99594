// To copy: a component of the server. What it passes to one of the browser is in the page.
import { signedLink } from '../signed-link'
import { NextLink } from './next-link'

export const dynamic = 'force-dynamic' // or the build reads the secret, and keeps the answer

export default async function Page() {
  return (
    <main>
      <h1>Signed links</h1>
      <p id="first">{await signedLink(1)}</p>
      <NextLink />
    </main>
  )
}
