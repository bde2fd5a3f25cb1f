import { Charts } from './Charts';
import { Orders } from './Orders';
import { Stats } from './Stats';

/** The platform at this moment. */
export function Live() {
  return (
    <>
      <h1>Live</h1>
      <Stats />
      <Orders />
      <Charts />
    </>
  );
}
