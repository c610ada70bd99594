'use client'
// A component of the browser: it asks the server for what needs a secret.
import { useState } from 'react'

export function NextLink() {
  const [link, setLink] = useState<string>()
  const ask = async (): Promise<void> => {
    const response = await fetch('/api/link?order=2')
    setLink(response.ok ? await response.text() : 'Try again in a moment.')
  }
  return (
    <>
      <button onClick={() => void ask()}>The link of order 2</button>
      <p>
        <output>{link}</output>
      </p>
    </>
  )
}
