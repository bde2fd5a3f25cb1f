import { Component, type ReactNode } from 'react';

/**
 * What is shown of a page that broke: also of one whose files are gone, since another version of it was put in its place while
 * it was open. Loading it again brings that.
 */
export class Boundary extends Component<{ children: ReactNode }, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError() {
    return { isBroken: true };
  }

  override render() {
    if (!this.state.isBroken) return this.props.children;
    return (
      <div className="state failure" role="alert">
        <p>This page could not be shown. It may have been replaced by a newer one.</p>
        <button type="button" onClick={() => location.reload()}>
          Load it again
        </button>
      </div>
    );
  }
}
