import { useState } from 'react';
import { type Trouble, unreachable } from '../api/refusal';

/** What a form asks for before there is anybody signed in, and what it was refused for. */
export function usePost() {
  const [isBusy, setBusy] = useState(false);
  const [problems, setProblems] = useState<readonly Trouble[]>([]);
  /** Whether it was done: `request` brings what it was refused for. */
  const send = async (request: () => Promise<readonly Trouble[]>): Promise<boolean> => {
    setProblems([]);
    setBusy(true);
    try {
      const refusals = await request();
      setProblems(refusals);
      return refusals.length === 0;
    } catch (error) {
      setProblems([unreachable(error)]);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { send, isBusy, problems };
}
